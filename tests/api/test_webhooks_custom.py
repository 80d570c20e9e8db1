"""Admission webhooks for custom resources: in every version, by way of another webhook where that is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.certificates import Authority
from tests.api.definitions import GROUP, WIDGETS, definition, established, version
from tests.api.harness import Server
from tests.api.test_custom_resources_conversion import V2, both, convert, object_of
from tests.api.webhooks import Hook, allow, configuration, deny, hook, patching, rule, webhook

JSON = dict[str, Any]
BASE = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Hook]:
    async with hook(Authority(tmp_path), allow) as found:
        yield found


async def register(server: Server, kind: str, asked: Hook, version: str, **fields: Any) -> None:
    rules = [rule("widgets", "*", apiGroups=[GROUP], apiVersions=[version])]
    body = configuration(kind, "c", webhook(asked, rules=rules, **fields))
    reply = await server.post(f"{BASE}/{kind.lower()}webhookconfigurations", body)
    assert reply.status == 201, reply.body


async def test_a_patch_is_pruned_defaulted_and_judged_by_the_schema(server: Server, asked: Hook) -> None:
    number = {"type": "integer", "maximum": 10}
    fields = {"size": number, "color": {"type": "string", "default": "red"}}
    await established(server, definition(version("v1", {"type": "object", "properties": fields})))
    asked.reply = patching(
        {"op": "add", "path": "/spec/size", "value": 5}, {"op": "add", "path": "/spec/unknown", "value": 1}
    )
    await register(server, "Mutating", asked, "v1")
    made = await server.post(WIDGETS, object_of("v1"))
    assert (made.status, made.body["spec"]) == (201, {"size": 5, "color": "red"})
    asked.reply = patching({"op": "replace", "path": "/spec/size", "value": 50})
    refused = await server.patch(f"{WIDGETS}/w", {"spec": {"size": 6}})
    assert refused.status == 422
    assert "spec.size in body should be less than or equal to 10" in refused.body["message"]


async def test_another_version_is_asked_for(server: Server, asked: Hook) -> None:
    async with hook(asked.authority, convert) as converting:
        await established(server, both(converting))
        asked.reply = patching({"op": "replace", "path": "/spec/size", "value": 7})
        await register(server, "Mutating", asked, "v1")
        made = await server.post(V2, object_of("v2", width=3))
        assert (made.status, made.body["apiVersion"], made.body["spec"]) == (
            201,
            f"{GROUP}/v2",
            {"width": 7, "color": "red"},
        )
        request = asked.reviews[0]["request"]
        assert (request["kind"]["version"], request["requestKind"]["version"]) == ("v1", "v2")
        assert (request["object"]["apiVersion"], request["object"]["spec"]["size"]) == (f"{GROUP}/v1", 3)
        changed = await server.patch(f"{V2}/w", {"spec": {"color": "blue"}})
        assert changed.body["spec"]["width"] == 7
        old = asked.reviews[1]["request"]["oldObject"]
        assert (old["apiVersion"], old["spec"]["size"]) == (f"{GROUP}/v1", 7)


async def test_a_version_that_nobody_is_asked_about(server: Server, asked: Hook) -> None:
    async with hook(asked.authority, convert) as converting:
        await established(server, both(converting))
        asked.reply = deny()
        await register(server, "Validating", asked, "v1", matchPolicy="Exact")
        assert (await server.post(V2, object_of("v2", width=3))).status == 201
        assert (await server.post(WIDGETS, object_of("v1", "x", size=3))).status == 400


async def test_definitions_may_be_refused(server: Server, asked: Hook) -> None:
    asked.reply = deny(message="no new kinds")
    rules = [rule("customresourcedefinitions", apiGroups=["apiextensions.k8s.io"])]
    body = configuration("Validating", "c", webhook(asked, rules=rules))
    await server.post(f"{BASE}/validatingwebhookconfigurations", body)
    made = await server.post(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(version("v1", {"type": "object"}))
    )
    assert made.body["message"] == 'admission webhook "hook.test.io" denied the request: no new kinds'


@pytest.mark.parametrize("written", ["v1", "v2"])
async def test_versions_that_differ_in_their_name(server: Server, asked: Hook, written: str) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}
    await established(server, definition(version("v1", schema), version("v2", schema)))
    asked.reply = patching({"op": "add", "path": "/spec/size", "value": 7})
    await register(server, "Mutating", asked, "v1")
    made = await server.post(WIDGETS.replace("/v1/", f"/{written}/"), object_of(written))
    assert (made.status, made.body["apiVersion"]) == (201, f"{GROUP}/{written}")
    assert asked.reviews[0]["request"]["object"]["apiVersion"] == f"{GROUP}/v1"
    for read in ("v1", "v2"):
        found = (await server.get(f"{WIDGETS.replace('/v1/', f'/{read}/')}/w")).body
        assert (found["apiVersion"], found["spec"]) == (f"{GROUP}/{read}", {"size": 7})
    changed = await server.patch(f"{WIDGETS.replace('/v1/', f'/{written}/')}/w", {"metadata": {"labels": {"a": "b"}}})
    assert (changed.status, changed.body["apiVersion"]) == (200, f"{GROUP}/{written}")
    old = asked.reviews[1]["request"]["oldObject"]
    assert (old["apiVersion"], old["spec"]) == (f"{GROUP}/v1", {"size": 7})


async def test_a_resources_status_and_deletion(server: Server, asked: Hook) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    await established(server, definition(version("v1", schema, subresources={"status": {}})))
    rules = [rule("widgets/*", "*", apiGroups=[GROUP])]
    body = configuration("Validating", "c", webhook(asked, rules=rules))
    await server.post(f"{BASE}/validatingwebhookconfigurations", body)
    await server.post(WIDGETS, object_of("v1"))
    await server.patch(f"{WIDGETS}/w/status", {"status": {"ready": True}})
    await server.delete(f"{WIDGETS}/w")
    seen = [(review["request"]["operation"], review["request"].get("subResource", "")) for review in asked.reviews]
    assert seen == [("CREATE", ""), ("UPDATE", "status"), ("DELETE", "")]
