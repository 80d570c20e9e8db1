"""Bootstrap tokens: the ConfigMap that they sign, and their end."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from knarr.client.resources import CONFIG_MAPS, SECRETS
from knarr.controllers import bootstrapsigner, tokencleaner
from tests.unit.controllers.bench import Bench

PUBLIC, SYSTEM = "kube-public", "kube-system"
SECRET = "0123456789abcdef"


def token(on: Bench, name: str, namespace: str = SYSTEM, **data: str) -> None:
    said = {"token-id": name, "token-secret": SECRET, "usage-bootstrap-signing": "true"}
    texts = {**said, **{key.replace("_", "-"): value for key, value in data.items()}}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    on.put(SECRETS, f"bootstrap-token-{name}", namespace, type="bootstrap.kubernetes.io/token", data=encoded)


def signed(on: Bench) -> dict[str, str]:
    data: dict[str, Any] = on.get(CONFIG_MAPS, "cluster-info", PUBLIC)["data"]
    return {key.removeprefix("jws-kubeconfig-"): value for key, value in data.items() if key != "kubeconfig"}


async def test_each_token_signs() -> None:
    on = Bench(bootstrapsigner.CONTROLLER)
    on.put(CONFIG_MAPS, "cluster-info", PUBLIC, data={"kubeconfig": "text", "jws-kubeconfig-gone99": "x"})
    token(on, "abcdef")
    async with on.running():
        (name, signature), *others = signed(on).items()
        assert (name, others) == ("abcdef", [])
        head, nothing, tag = signature.split(".")
        assert (json.loads(decoded(head)), nothing) == ({"alg": "HS256", "kid": "abcdef"}, "")
        whole = f"{head}.{base64.urlsafe_b64encode(b'text').rstrip(b'=').decode()}"
        assert decoded(tag) == hmac.digest(SECRET.encode(), whole.encode(), "sha256")
        on.put(CONFIG_MAPS, "cluster-info", PUBLIC, data={"kubeconfig": "other", f"jws-kubeconfig-{name}": "x"})
        await on.settle()
        assert signed(on)["abcdef"] not in ("x", signature)
        on.remove(SECRETS, "bootstrap-token-abcdef", SYSTEM)
        await on.settle()
        assert signed(on) == {}


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("namespace", "data"),
    [
        ("default", {}),
        (SYSTEM, {"token_id": "ghijkl"}),
        (SYSTEM, {"token_secret": ""}),
        (SYSTEM, {"usage_bootstrap_signing": "false"}),
        (SYSTEM, {"expiration": "2025-12-31T23:59:59Z"}),
        (SYSTEM, {"expiration": "tomorrow"}),
    ],
    ids=["elsewhere", "another's name", "no secret", "for other uses", "over", "unreadable"],
)
async def test_what_does_not_sign(namespace: str, data: dict[str, str]) -> None:
    on = Bench(bootstrapsigner.CONTROLLER)
    on.put(CONFIG_MAPS, "cluster-info", PUBLIC, data={"kubeconfig": "text"})
    token(on, "abcdef", namespace, **data)
    async with on.running():
        assert signed(on) == {}


async def test_a_signature_ends_with_its_token() -> None:
    on = Bench(bootstrapsigner.CONTROLLER)
    on.put(CONFIG_MAPS, "cluster-info", PUBLIC, data={"kubeconfig": "text"})
    token(on, "abcdef", expiration="2026-01-01T00:10:00Z")
    async with on.running():
        assert list(signed(on)) == ["abcdef"]
        await on.advance(600)
        assert signed(on) == {}


async def test_nothing_but_the_cluster_info_is_signed() -> None:
    on = Bench(bootstrapsigner.CONTROLLER)
    on.put(CONFIG_MAPS, "cluster-info", "default", data={"kubeconfig": "text"})
    on.put(CONFIG_MAPS, "cluster-info", PUBLIC, data={"other": "text"})
    token(on, "abcdef")
    async with on.running():
        assert on.done == []


async def test_a_token_is_removed_when_it_is_over() -> None:
    on = Bench(tokencleaner.CONTROLLER)
    token(on, "abcdef", expiration="2026-01-01T00:10:00Z")
    token(on, "ghijkl")
    token(on, "mnopqr", expiration="soon")
    token(on, "stuvwx", "default", expiration="2025-01-01T00:00:00Z")
    async with on.running():
        gone = [path.rpartition("/")[2] for method, path, _ in on.actions if method == "DELETE"]
        assert gone == ["bootstrap-token-mnopqr"]
        await on.advance(599)
        assert len(on.actions) == 1
        await on.advance(1)
        assert on.actions[-1][1].endswith("bootstrap-token-abcdef")
