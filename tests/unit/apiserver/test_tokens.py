"""Service account tokens: what makes one good, and each thing that makes it bad."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.tokens import Bound, TokenIssuer, TokenVerifier
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.machinery.clock import VirtualClock

ISSUER = "https://kubernetes.default.svc.cluster.local"
ACCOUNT, POD = Bound("builder", "uid-of-builder"), Bound("worker", "uid-of-worker")


@cache
def key_pair(_name: str) -> tuple[bytes, bytes]:
    """A private and a public key in PEM; the same for the same name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Cluster:
    """Who exists, and the two ends of a token's life."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(datetime(2026, 1, 1, tzinfo=UTC)))
    objects: dict[tuple[str, str, str], dict[str, Any]] = field(
        default_factory=lambda: {
            ("serviceaccounts", "team", "builder"): {"metadata": {"uid": ACCOUNT.uid}},
            ("pods", "team", "worker"): {"metadata": {"uid": POD.uid}},
        }
    )

    def issue(self, *, key: str = "ours", audience: str = ISSUER, issuer: str = ISSUER, **bound: Bound) -> str:
        signer = TokenIssuer(key_pair(key)[0], issuer, self.clock)
        return signer.issue("team", ACCOUNT, [audience], 600, bound)[0]

    def verifier(self) -> TokenVerifier:
        def lookup(plural: str, namespace: str, name: str) -> dict[str, Any] | None:
            return self.objects.get((plural, namespace, name))

        return TokenVerifier([key_pair("ours")[1]], ISSUER, [ISSUER], self.clock, lookup)


def test_a_good_token_is_the_account() -> None:
    cluster = Cluster()
    user = cluster.verifier().verify(cluster.issue(pod=POD))
    assert (user.name, user.uid) == ("system:serviceaccount:team:builder", ACCOUNT.uid)
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:team", AUTHENTICATED)
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("worker",)


def test_it_says_when_it_ends() -> None:
    cluster = Cluster()
    _, expires = TokenIssuer(key_pair("ours")[0], ISSUER, cluster.clock).issue("team", ACCOUNT, [ISSUER], 600, {})
    assert expires == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


async def test_an_expired_token_is_bad_even_if_it_was_good_before() -> None:
    cluster = Cluster()
    token, verifier = cluster.issue(), cluster.verifier()
    assert isinstance(verifier.verify(token), User)
    await cluster.clock.advance(600)
    with pytest.raises(InvalidTokenError, match="expired"):
        verifier.verify(token)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda c: c.issue(key="theirs"), id="another's key"),
        pytest.param(lambda c: c.issue(audience="vault"), id="another audience"),
        pytest.param(lambda c: c.issue(issuer="https://elsewhere"), id="another issuer"),
        pytest.param(lambda c: with_claims(c.issue(), sub="system:serviceaccount:kube-system:admin"), id="changed"),
        pytest.param(lambda c: unsigned(c.issue()), id="unsigned"),
        pytest.param(lambda c: "not.a.token", id="no token"),
    ],
)
def test_a_token_that_is_not_ours_is_bad(token: Any) -> None:
    cluster = Cluster()
    with pytest.raises(InvalidTokenError):
        cluster.verifier().verify(token(cluster))


@pytest.mark.parametrize("plural", ["pods", "serviceaccounts"])
def test_what_a_token_is_bound_to_must_live(plural: str) -> None:
    cluster = Cluster()
    token, verifier = cluster.issue(pod=POD), cluster.verifier()
    verifier.verify(token)
    name = "worker" if plural == "pods" else "builder"
    cluster.objects[plural, "team", name] = {"metadata": {"uid": "somebody else's"}}
    with pytest.raises(InvalidTokenError, match="another one now"):
        verifier.verify(token)
    del cluster.objects[plural, "team", name]
    with pytest.raises(InvalidTokenError):
        verifier.verify(token)


async def test_a_pod_that_shuts_down_may_still_speak_for_a_minute() -> None:
    cluster = Cluster()
    token, verifier = cluster.issue(pod=POD), cluster.verifier()
    deleted = {"uid": POD.uid, "deletionTimestamp": "2026-01-01T00:00:30Z"}
    cluster.objects["pods", "team", "worker"] = {"metadata": deleted}
    await cluster.clock.advance(89)
    verifier.verify(token)
    await cluster.clock.advance(2)
    with pytest.raises(InvalidTokenError, match="has been deleted"):
        verifier.verify(token)


def with_claims(token: str, **claims: str) -> str:
    head, body, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "==")) | claims
    return f"{head}.{encoded(changed)}.{signature}"


def unsigned(token: str) -> str:
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")) | {"alg": "none"}
    return f"{encoded(head)}.{token.split('.')[1]}."


def encoded(tree: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()
