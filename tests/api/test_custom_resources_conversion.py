"""Versions of a custom resource that a webhook converts: v1 has `size`, v2 has `width`, stored is v1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.certificates import Authority
from tests.api.definitions import CRDS, GROUP, WIDGETS, definition, established, version
from tests.api.harness import TABLE, Reply, Server, settle
from tests.api.webhooks import Hook, hook

JSON = dict[str, Any]
APPLY = "application/apply-patch+yaml"
V2 = WIDGETS.replace("/v1/", "/v2/")


def renamed(tree: JSON, wanted: str) -> JSON:
    old, new = ("size", "width") if wanted.endswith("v2") else ("width", "size")
    spec = {new if name == old else name: value for name, value in tree["spec"].items()}
    return {**tree, "apiVersion": wanted, "spec": spec}


def convert(review: JSON) -> JSON:
    request = review["request"]
    objects = [renamed(tree, request["desiredAPIVersion"]) for tree in request["objects"]]
    response = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects}
    return {"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response}


@pytest.fixture
async def webhook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with hook(Authority(tmp_path), convert) as found:
        yield found


def both(found: Hook) -> JSON:
    number = {"type": "integer", "maximum": 10}
    first = version("v1", {"type": "object", "required": ["size"], "properties": {"size": number}})
    fields = {"width": number, "color": {"type": "string", "default": "red"}}
    columns = [{"name": "Width", "type": "integer", "jsonPath": ".spec.width"}]
    second = version(
        "v2",
        {"type": "object", "required": ["width"], "properties": fields},
        additionalPrinterColumns=columns,
        selectableFields=[{"jsonPath": ".spec.width"}],
    )
    webhook = {"clientConfig": found.config(), "conversionReviewVersions": ["v1"]}
    return definition(first, second, conversion={"strategy": "Webhook", "webhook": webhook})


def object_of(api: str, name: str = "w", **spec: Any) -> JSON:
    return {"kind": "Widget", "apiVersion": f"{GROUP}/{api}", "metadata": {"name": name}, "spec": spec}


async def test_what_is_written_in_one_version_is_read_in_the_other(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    made = await server.post(V2, object_of("v2", width=3))
    assert (made.status, made.body["spec"]) == (201, {"width": 3, "color": "red"})
    assert (await server.get(f"{WIDGETS}/w")).body["spec"] == {"size": 3}
    changed = await server.patch(f"{WIDGETS}/w", {"spec": {"size": 4}})
    assert (changed.body["apiVersion"], changed.body["spec"]) == (f"{GROUP}/v1", {"size": 4})
    found = (await server.get(f"{V2}/w")).body
    assert (found["apiVersion"], found["spec"], found["metadata"]["generation"]) == (
        f"{GROUP}/v2",
        {"width": 4, "color": "red"},
        2,
    )
    assert found["metadata"]["uid"] == made.body["metadata"]["uid"]
    same = await server.put(f"{V2}/w", found)
    assert same.body["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


async def test_an_object_is_judged_in_the_version_in_which_it_is_written(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    refused = await server.post(V2, object_of("v2", width=11))
    assert "spec.width in body should be less than or equal to 10" in refused.body["message"]
    assert webhook.asked == []


async def test_a_list_is_converted_by_one_call_and_selected_by_what_it_shows(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    for name, size in (("a", 1), ("b", 2)):
        await server.post(WIDGETS, object_of("v1", name, size=size))
    found = (await server.get(V2)).body["items"]
    assert [item["spec"]["width"] for item in found] == [1, 2]
    assert len(webhook.asked) == 1
    chosen = (await server.get(V2, fieldSelector="spec.width=2")).body["items"]
    assert [item["metadata"]["name"] for item in chosen] == ["b"]
    table = (await server.get(V2, accept=TABLE)).body
    assert [row["cells"] for row in table["rows"]] == [["a", 1], ["b", 2]]
    assert len(webhook.asked) == 1  # each is converted once


async def test_a_watch_shows_its_version_in_order(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    await server.post(WIDGETS, object_of("v1", size=1))
    stream = await server.watch(V2)
    for size in (2, 3):
        await server.patch(f"{WIDGETS}/w", {"spec": {"size": size}})
    await server.delete(f"{WIDGETS}/w")
    events: list[JSON] = []
    async with asyncio.timeout(5):
        while len(events) < 4:
            events += stream.take()
            await asyncio.sleep(0.01)
    assert [(e["type"], e["object"]["spec"]["width"]) for e in events] == [
        ("ADDED", 1),
        ("MODIFIED", 2),
        ("MODIFIED", 3),
        ("DELETED", 3),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"result": {"status": "Failed", "message": "no way"}}, "no way"),
        ({"convertedObjects": []}, "returned 0 objects, expected 1"),
        ({"uid": "other"}, 'got "other"'),
    ],
    ids=["refused", "too few", "another's"],
)
async def test_a_webhook_that_fails(server: Server, webhook: Hook, change: JSON, said: str) -> None:
    await established(server, both(webhook))
    await server.post(WIDGETS, object_of("v1", size=1))
    webhook.reply = lambda review: {**convert(review), "response": {**convert(review)["response"], **change}}
    reply = await server.get(f"{V2}/w")
    assert reply.status == 500
    assert reply.body["message"].startswith(f"conversion webhook for {GROUP}/v1, Kind=Widget failed: ")
    assert said in reply.body["message"]
    assert (await server.get(f"{WIDGETS}/w")).status == 200


async def test_an_object_may_go_unconverted(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    await server.post(WIDGETS, object_of("v1", size=1))
    webhook.reply = lambda review: {}
    assert (await server.delete(f"{V2}/w")).status == 200
    await settle()
    assert (await server.get(f"{WIDGETS}/w")).status == 404


def owners(reply: Reply) -> dict[str, tuple[str, list[str]]]:
    """Who owns which fields of the spec, and in which version they are named."""
    return {
        entry["manager"]: (entry["apiVersion"].rpartition("/")[2], sorted(entry["fieldsV1"].get("f:spec", {})))
        for entry in reply.body["metadata"]["managedFields"]
    }


async def test_owners_keep_their_version_and_lose_what_is_changed_in_another(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    await server.patch(f"{WIDGETS}/w", object_of("v1", size=3), APPLY, fieldManager="old")
    refused = await server.patch(f"{V2}/w", object_of("v2", width=4, color="blue"), APPLY, fieldManager="new")
    assert (refused.status, refused.body["details"]["causes"]) == (
        409,
        [{"reason": "FieldManagerConflict", "message": 'conflict with "old"', "field": ".spec.size"}],
    )
    forced = await server.patch(
        f"{V2}/w", object_of("v2", width=4, color="blue"), APPLY, fieldManager="new", force="true"
    )
    assert owners(forced) == {"new": ("v2", ["f:color", "f:width"])}
    same = await server.patch(f"{WIDGETS}/w", object_of("v1", size=4), APPLY, fieldManager="old")
    assert owners(same) == {"new": ("v2", ["f:color", "f:width"]), "old": ("v1", ["f:size"])}
    await server.patch(f"{V2}/w", {"spec": {"width": 5}}, fieldManager="third")
    changed = await server.get(f"{V2}/w")
    assert owners(changed) == {"new": ("v2", ["f:color"]), "third": ("v2", ["f:width"])}


async def test_owners_of_other_versions_are_no_reason_to_refuse_an_update(server: Server, webhook: Hook) -> None:
    await established(server, both(webhook))
    await server.patch(f"{V2}/w", object_of("v2", width=3), APPLY, fieldManager="new")
    await server.get(f"{WIDGETS}/w")
    webhook.reply = lambda review: {"nothing": 1}
    changed = await server.patch(f"{WIDGETS}/w", {"spec": {"size": 4}}, fieldManager="old")
    assert (changed.status, owners(changed)["old"]) == (200, ("v1", ["f:size"]))


async def test_a_definition_whose_webhook_nobody_vouches_for_waits(server: Server, webhook: Hook) -> None:
    crd = both(webhook)
    config = crd["spec"]["conversion"]["webhook"]["clientConfig"]
    good, config["caBundle"] = config["caBundle"], "Cg=="
    assert (await server.post(CRDS, crd)).status == 201
    await settle()
    path = f"{CRDS}/widgets.{GROUP}"
    established = (await server.get(path)).body["status"]["conditions"][-1]
    assert (established["status"], established["reason"]) == ("False", "InvalidCABundle")
    assert (await server.get(WIDGETS)).status == 404

    def bundle(value: str) -> JSON:
        return {"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": value}}}}}

    assert (await server.patch(path, bundle(good))).status == 200
    await settle()
    assert (await server.get(WIDGETS)).status == 200
    refused = await server.patch(path, bundle("Cg=="))
    assert refused.body["details"]["causes"][0]["field"] == "spec.conversion.webhookClientConfig.caBundle"
