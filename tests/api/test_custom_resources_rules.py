"""Rules in CEL on custom resources."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.definitions import CRDS, GROUP, WIDGETS, definition, established, version, widget
from tests.api.harness import Server

JSON = dict[str, Any]


def ruled(*rules: JSON, **properties: JSON) -> JSON:
    fields = {"size": {"type": "integer"}, "name": {"type": "string", "maxLength": 10}, **properties}
    return {"type": "object", "properties": fields, "x-kubernetes-validations": list(rules)}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "self.size < 5"}, 'spec: Invalid value: "object": failed rule: self.size < 5'),
        ({"rule": "self.size < 5", "message": "too big"}, 'spec: Invalid value: "object": too big'),
        (
            {"rule": "self.size < 5", "messageExpression": "'is ' + string(self.size)"},
            'spec: Invalid value: "object": is 7',
        ),
        (
            {"rule": "self.size < 5", "message": "no", "reason": "FieldValueForbidden", "fieldPath": ".size"},
            "spec.size: Forbidden: no",
        ),
        (
            {"rule": "self.name.size() > 0"},
            'spec: Invalid value: "object": no such key: name evaluating rule: self.name.size() > 0',
        ),
    ],
    ids=["rule", "message", "message expression", "reason and path", "error"],
)
async def test_a_rule_that_does_not_hold(server: Server, rule: JSON, said: str) -> None:
    await established(server, definition(version(spec=ruled(rule))))
    reply = await server.post(WIDGETS, widget(size=7))
    assert (reply.status, reply.body["message"]) == (422, f'Widget.{GROUP} "w" is invalid: {said}')
    good = widget()
    good["spec"]["name"] = "x"
    assert (await server.post(WIDGETS, good)).status == 201


async def test_a_transition(server: Server) -> None:
    fields = {"size": {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]}}
    await established(server, definition(version(spec={"type": "object", "properties": fields})))
    await server.post(WIDGETS, widget(size=2))
    assert (await server.patch(f"{WIDGETS}/w", {"spec": {"size": 3}})).status == 200
    refused = await server.patch(f"{WIDGETS}/w", {"spec": {"size": 1}})
    assert refused.body["message"].endswith('spec.size: Invalid value: "integer": failed rule: self >= oldSelf')


async def test_dear_rules_do_not_hold_up_others(server: Server) -> None:
    """Two hundred names, each compared with each: some 200 000 units, or 50 ms."""
    names = {"type": "array", "maxItems": 200, "items": {"type": "string", "maxLength": 4}}
    rule = {"rule": "self.names.all(x, self.names.exists_one(y, x == y))", "message": "twice"}
    await established(server, definition(version(spec=ruled(rule, names=names))))
    several = [f"n{number}" for number in range(200)]
    dear = asyncio.create_task(server.post(WIDGETS, widget(names=several)))
    turns = 0
    while not dear.done():
        await asyncio.sleep(0)
        turns += 1
    assert (dear.result().status, turns > 20) == (201, True)
    refused = await server.post(WIDGETS, widget("x", names=[*several[1:], "n7"]))
    assert refused.body["message"].endswith('spec: Invalid value: "object": twice')
    assert b"apiserver_cel_evaluation_duration_seconds_count 2\n" in server.api.registry.metrics.render()


async def test_a_maps_values_are_named_by_their_keys_and_have_a_past(server: Server) -> None:
    value = {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]}
    for kind in ("granular", "atomic"):
        sizes = {"type": "object", "additionalProperties": value, "x-kubernetes-map-type": kind}
        await established(server, definition(version(spec=ruled(sizes=sizes)), kind=kind.capitalize()))
        path = WIDGETS.replace("widgets", f"{kind}s")
        await server.post(path, {**widget(sizes={"a": 2}), "kind": kind.capitalize()})
        refused = await server.patch(f"{path}/w", {"spec": {"sizes": {"a": 1, "b": 1}}})
        said = 'spec.sizes[a]: Invalid value: "integer": failed rule: self >= oldSelf'
        assert refused.body["message"] == f'{kind.capitalize()}.{GROUP} "w" is invalid: {said}'


async def test_an_optional_past(server: Server) -> None:
    rule = {"rule": "oldSelf.hasValue() || self.size == 1", "optionalOldSelf": True, "message": "begin with 1"}
    await established(server, definition(version(spec=ruled(rule))))
    assert (await server.post(WIDGETS, widget(size=2))).body["message"].endswith("begin with 1")
    await server.post(WIDGETS, widget(size=1))
    assert (await server.patch(f"{WIDGETS}/w", {"spec": {"size": 2}})).status == 200


async def test_items_of_a_map_are_followed(server: Server) -> None:
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "maxLength": 5}, "n": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n"}],
    }
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    parts = {"type": "array", "maxItems": 10, "items": item, **keyed}
    await established(server, definition(version(spec=ruled(parts=parts))))
    await server.post(WIDGETS, widget(parts=[{"name": "a", "n": 1}, {"name": "b", "n": 5}]))
    swapped = {"parts": [{"name": "b", "n": 5}, {"name": "c", "n": 0}, {"name": "a", "n": 2}]}
    assert (await server.patch(f"{WIDGETS}/w", {"spec": swapped})).status == 200
    lower = {"parts": [{"name": "b", "n": 4}]}
    refused = await server.patch(f"{WIDGETS}/w", {"spec": lower})
    assert 'spec.parts[0]: Invalid value: "object": failed rule: self.n >= oldSelf.n' in refused.body["message"]


async def test_what_has_not_changed_is_not_asked_about(server: Server) -> None:
    await established(server, definition(version(spec=ruled())))
    await server.post(WIDGETS, widget(size=7))
    await server.patch(
        f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [version(spec=ruled({"rule": "self.size < 5"}))]}}
    )
    assert (await server.patch(f"{WIDGETS}/w", {"metadata": {"labels": {"a": "b"}}})).status == 200
    assert (await server.patch(f"{WIDGETS}/w", {"spec": {"name": "x"}})).status == 422


async def test_rules_wait_for_good_values(server: Server) -> None:
    await established(server, definition(version(spec=ruled({"rule": "self.size < 5"}))))
    reply = await server.post(WIDGETS, widget(size="x"))
    causes = [(cause["field"], cause["message"]) for cause in reply.body["details"]["causes"]]
    assert causes == [
        ("spec.size", 'Invalid value: "string": spec.size in body must be of type integer: "string"'),
        (
            "<nil>",
            "Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
            "existing errors to complete validation",
        ),
    ]


@pytest.mark.parametrize(
    ("rule", "where", "said"),
    [
        ({"rule": "self.sice < 5"}, ".rule", "compilation failed: ERROR: <input>:1:5: undefined field 'sice'"),
        ({"rule": "self.size"}, ".rule", "cel expression must evaluate to a bool"),
        ({"rule": "true", "messageExpression": "1"}, ".messageExpression", "must evaluate to a string"),
        (
            {"rule": "true", "optionalOldSelf": True},
            ".optionalOldSelf",
            "may not be set if oldSelf is not used in rule",
        ),
        ({"rule": " "}, ".rule", "Required value: rule is not specified"),
        (
            {"rule": "self.long.all(x, self.long.all(y, x == y))"},
            ".rule",
            "estimated rule cost exceeds budget by factor",
        ),
    ],
    ids=["unknown field", "no predicate", "no text", "no past", "empty", "dear"],
)
async def test_a_rule_that_cannot_be(server: Server, rule: JSON, where: str, said: str) -> None:
    long = {"type": "array", "items": {"type": "string"}}
    reply = await server.post(CRDS, definition(version(spec=ruled(rule, long=long))))
    cause = reply.body["details"]["causes"][0]
    path = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]"
    assert cause["field"] == path + where
    assert said in cause["message"]


async def test_a_past_that_nobody_can_find(server: Server) -> None:
    rules = [{"rule": "self == oldSelf"}]
    tags = {"type": "array", "maxItems": 3, "items": {"type": "integer", "x-kubernetes-validations": rules}}
    reply = await server.post(CRDS, definition(version(spec=ruled(tags=tags))))
    place = "spec.validation.openAPIV3Schema.properties[spec].properties[tags]"
    assert f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place}" in reply.body["message"]
