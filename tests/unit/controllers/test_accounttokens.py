"""The tokens that Secrets hold: made, kept true, and removed in the end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from knarr.api.serviceaccounts import ACCOUNT_NAME, ACCOUNT_UID, INVALID_SINCE, LAST_USED, TRACKING
from knarr.client.resources import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from knarr.controllers import legacytokencleaner, serviceaccounttoken
from tests.unit.apiserver.authn.keyrings import keys
from tests.unit.controllers.bench import Bench

TOKEN_OF = {ACCOUNT_NAME: "builder"}


def bench(*, key: bool = True) -> Bench:
    pem = {"service_account_private_key_file": keys("ours").private.decode()} if key else {}
    return Bench(serviceaccounttoken.CONTROLLER, root_ca_file="PEM", **pem)


def account(on: Bench, *secrets: str) -> str:
    references: dict[str, Any] = {"secrets": [{"name": name} for name in secrets]} if secrets else {}
    uid: str = on.put(SERVICE_ACCOUNTS, "builder", **references)["metadata"]["uid"]
    return uid


def data_of(on: Bench, name: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in on.get(SECRETS, name).get("data", {}).items()}


async def test_a_secret_gets_its_token() -> None:
    on = bench()
    uid = account(on)
    on.put(SECRETS, "t", metadata={"annotations": TOKEN_OF}, data={"mine": "eA=="})
    async with on.running():
        data = data_of(on, "t")
        claims = json.loads(keys("ours").signing.public.payload(data.pop("token")))
        assert data == {"mine": "x", "ca.crt": "PEM", "namespace": "default"}
        assert on.get(SECRETS, "t")["metadata"]["annotations"] == {ACCOUNT_NAME: "builder", ACCOUNT_UID: uid}
        assert claims == {
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/namespace": "default",
            "kubernetes.io/serviceaccount/secret.name": "t",
            "kubernetes.io/serviceaccount/service-account.name": "builder",
            "kubernetes.io/serviceaccount/service-account.uid": uid,
            "sub": "system:serviceaccount:default:builder",
        }
        assert on.done == ["PUT secrets/t"]


async def test_what_is_taken_away_comes_back() -> None:
    on = bench()
    account(on)
    on.put(SECRETS, "t", metadata={"annotations": TOKEN_OF})
    async with on.running():
        token = data_of(on, "t")["token"]
        on.put(SECRETS, "t", data={"token": base64.b64encode(token.encode()).decode(), "ca.crt": "b2xk"})
        await on.settle()
        assert data_of(on, "t") == {"token": token, "ca.crt": "PEM", "namespace": "default"}
        on.put(SECRETS, "t", data={})
        await on.settle()
        assert set(data_of(on, "t")) == {"token", "ca.crt", "namespace"}


@pytest.mark.parametrize(
    "annotations", [{ACCOUNT_NAME: "nobody"}, {**TOKEN_OF, ACCOUNT_UID: "another"}], ids=["no account", "another's"]
)
async def test_a_secret_without_its_account_is_removed(annotations: dict[str, str]) -> None:
    on = bench()
    account(on)
    on.put(SECRETS, "t", metadata={"annotations": annotations})
    async with on.running():
        assert on.done == ["DELETE secrets/t"]


async def test_secrets_go_with_their_account_and_references_with_secrets() -> None:
    on = bench()
    uid = account(on, "t", "other")
    filled = dict.fromkeys(("token", "namespace"), "eA==") | {"ca.crt": base64.b64encode(b"PEM").decode()}
    for name in ("t", "u"):
        on.put(SECRETS, name, metadata={"annotations": {**TOKEN_OF, ACCOUNT_UID: uid}}, data=filled)
    async with on.running():
        on.remove(SECRETS, "t")
        await on.settle()
        assert on.get(SERVICE_ACCOUNTS, "builder")["secrets"] == [{"name": "other"}]
        on.remove(SERVICE_ACCOUNTS, "builder")
        await on.settle()
        assert on.done == ["PUT serviceaccounts/builder", "DELETE secrets/u"]


async def test_without_a_key_nothing_is_done() -> None:
    on = bench(key=False)
    on.put(SECRETS, "t", metadata={"annotations": TOKEN_OF})
    async with on.running():
        assert on.done == []


OLD = {"creationTimestamp": "2024-01-01T00:00:00Z", "annotations": TOKEN_OF}  # the bench's clock begins in 2026


def cleaning(since: str = "2024-06-01", labels: dict[str, str] | None = None, **meta: Any) -> Bench:
    on = Bench(legacytokencleaner.CONTROLLER)
    on.put(CONFIG_MAPS, TRACKING, "kube-system", data={"since": since})
    account(on, "t")
    on.put(SECRETS, "t", metadata={**OLD, "labels": labels or {}, **meta})
    return on


@pytest.mark.parametrize(
    ("labels", "done"),
    [
        ({}, ["PATCH secrets/t"]),
        ({LAST_USED: "2024-03-01"}, ["PATCH secrets/t"]),
        ({LAST_USED: "2025-03-01"}, []),
        ({LAST_USED: "yesterday"}, []),
        ({INVALID_SINCE: "2024-03-01"}, ["DELETE secrets/t"]),
        ({INVALID_SINCE: "2025-03-01"}, []),
        ({INVALID_SINCE: "2024-03-01", LAST_USED: "2025-03-01"}, []),
    ],
    ids=str,
)
async def test_a_token_is_retired_when_nobody_has_used_it_for_a_year(labels: dict[str, str], done: list[str]) -> None:
    async with cleaning(labels=labels).running() as on:
        assert on.done[:1] == done


@pytest.mark.parametrize(
    "spared",
    [
        {"since": "2025-06-01"},
        {"creationTimestamp": "2025-06-01T00:00:00Z"},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"annotations": {ACCOUNT_NAME: "other"}},
    ],
    ids=["watched too short", "young", "being deleted", "not listed by its account"],
)
async def test_others_are_spared(spared: dict[str, Any]) -> None:
    async with cleaning(**spared).running() as on:
        assert on.done == []


async def test_a_token_that_a_pod_mounts_is_spared() -> None:
    on = cleaning()
    on.put(PODS, "p", spec={"volumes": [{"name": "v", "secret": {"secretName": "t"}}], "containers": []})
    async with on.running():
        assert on.done == []


async def test_a_token_is_looked_at_every_day() -> None:
    async with cleaning(labels={LAST_USED: "2025-01-02"}).running() as on:
        await on.advance(86400)
        assert on.done == []
        await on.advance(86400)
        assert on.done == ["PATCH secrets/t"]
        assert on.get(SECRETS, "t")["metadata"]["labels"][INVALID_SINCE] == "2026-01-03"
