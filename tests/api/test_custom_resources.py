"""Custom resources as a client of the API meets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.definitions import CRDS, GROUP, SPEC, WIDGETS, definition, established, version, widget
from tests.api.harness import JSON_PATCH, STRATEGIC, TABLE, Server, settle

JSON = dict[str, Any]


async def test_a_definition_is_established_and_its_kind_served(server: Server) -> None:
    created = (await server.post(CRDS, definition())).body
    assert created["spec"]["names"]["listKind"] == "WidgetList"
    assert created["spec"]["names"]["singular"] == "widget"
    assert created["spec"]["conversion"] == {"strategy": "None"}
    assert created["status"] == {
        "conditions": [],
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": ["v1"],
    }
    await settle()
    status = (await server.get(f"{CRDS}/widgets.{GROUP}")).body["status"]
    said = [(c["type"], c["status"], c["reason"], c["message"]) for c in status["conditions"]]
    assert said == [
        ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    assert status["acceptedNames"] == created["spec"]["names"]
    assert (await server.get(WIDGETS)).body["kind"] == "WidgetList"


async def test_an_object_is_pruned_defaulted_and_kept(server: Server) -> None:
    await established(server, definition())
    sent = widget(
        tags=["a"],
        note=None,
        port="http",
        free={"any": {"thing": None}},
        parts=[{"name": "x"}],
        unknown=1,
        replicas=None,
    )
    reply = await server.post(WIDGETS, {**sent, "status": {"phase": "no"}})
    assert reply.status == 201, reply.body
    assert reply.headers["warning"] == '299 - "unknown field \\"spec.unknown\\""'
    assert reply.body["spec"] == {
        "size": 1,
        "tags": ["a"],
        "note": None,
        "port": "http",
        "free": {"any": {"thing": None}},
        "parts": [{"name": "x", "weight": 1}],
        "color": "red",
    }
    assert "status" not in reply.body and reply.body["metadata"]["generation"] == 1
    assert (await server.get(f"{WIDGETS}/w")).body == reply.body
    assert (await server.get(WIDGETS)).body["items"] == [reply.body]


async def test_strict_validation_names_all_that_is_unknown(server: Server) -> None:
    await established(server, definition())
    sent = widget(unknown=1, parts=[{"name": "x", "odd": 1}])
    sent["metadata"]["nonsense"] = 1
    sent["top"] = 1
    reply = await server.post(WIDGETS, sent, fieldValidation="Strict")
    assert reply.status == 400
    assert reply.body["message"] == (
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
        'unknown field "metadata.nonsense", unknown field "spec.parts[0].odd", unknown field "spec.unknown", '
        'unknown field "top"'
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"size": 11}, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
        ({"size": 0}, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        ({"size": "1"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
        ({"color": "blue"}, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'),
        ({"tags": ["a", "b", "a"]}, 'spec.tags[2]: Duplicate value: "a"'),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, 'spec.parts[1]: Duplicate value: {"name":"a"}'),
        ({"parts": [{}]}, "spec.parts[0].name: Required value"),
        (
            {"port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        ),
        ({"template": {"kind": "X"}}, "spec.template.apiVersion: Required value: must not be empty"),
    ],
    ids=["maximum", "minimum", "type", "enum", "set", "map", "required", "int-or-string", "embedded"],
)
async def test_what_the_schema_forbids_is_named(server: Server, spec: JSON, message: str) -> None:
    await established(server, definition())
    reply = await server.post(WIDGETS, widget(**spec))
    assert (reply.status, reply.body["message"]) == (422, f'Widget.{GROUP} "w" is invalid: {message}')


@pytest.mark.parametrize("wrong", ["text", 5.5, True, ["item"], {"name": {"deep": []}}, [["x"]], [None]], ids=str)
@pytest.mark.parametrize("field", ["spec", "size", "tags", "parts", "template", "free"])
async def test_what_has_another_type_is_refused_however_it_is_sent(server: Server, field: str, wrong: Any) -> None:
    """Or is fine, where it happens to fit."""
    await established(server, definition())
    await server.post(WIDGETS, widget(tags=["a"], parts=[{"name": "a"}]))
    body = widget("x")
    (body if field == "spec" else body["spec"])[field] = wrong
    config = {**body, "metadata": {"name": "w"}}
    answers = [
        await server.post(WIDGETS, body),
        await server.put(f"{WIDGETS}/w", config),
        await server.patch(f"{WIDGETS}/w", {"spec": body["spec"]}),
        await server.patch(f"{WIDGETS}/w", config, "application/apply-patch+yaml", fieldManager="m", force="true"),
    ]
    assert {answer.status for answer in answers} <= {200, 201, 400, 422}
    assert field == "free" or answers[0].status in (400, 422) or wrong == ["item"]


async def test_finalizers_may_be_called_anything_but_should_have_a_domain(server: Server) -> None:
    await established(server, definition())
    held = widget()
    held["metadata"]["finalizers"] = ["hold"]
    made = await server.post(WIDGETS, held)
    assert made.status == 201
    assert 'metadata.finalizers[0]: \\"hold\\": prefer a domain-qualified finalizer name' in made.headers["warning"]
    assert "warning" not in (await server.patch(f"{WIDGETS}/w", {"spec": {"size": 2}})).headers
    refused = await server.post(
        "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c", "finalizers": ["x"]}}
    )
    why = "name is neither a standard finalizer name nor is it fully qualified"
    assert refused.body["message"].endswith(f'metadata.finalizers[0]: Invalid value: "x": {why}')


async def test_status_is_apart(server: Server) -> None:
    await established(server, definition())
    await server.post(WIDGETS, widget())
    first = await server.patch(f"{WIDGETS}/w", {"spec": {"size": 2}, "status": {"phase": "no"}})
    assert (first.body["metadata"]["generation"], first.body.get("status")) == (2, None)
    body = {"spec": {"size": 3}, "metadata": {"labels": {"a": "b"}}, "status": {"phase": "yes"}}
    second = (await server.patch(f"{WIDGETS}/w/status", body)).body
    assert (second["spec"]["size"], second["status"], second["metadata"]["generation"]) == (2, {"phase": "yes"}, 2)
    assert "labels" not in second["metadata"]


async def test_without_the_subresource_the_status_is_like_any_field(server: Server) -> None:
    await established(server, definition(version(subresources=None)))
    made = (await server.post(WIDGETS, {**widget(), "status": {"phase": "x"}})).body
    assert made["status"] == {"phase": "x"}
    changed = (await server.patch(f"{WIDGETS}/w", {"status": {"phase": "y"}})).body
    assert changed["metadata"]["generation"] == 2
    assert (await server.patch(f"{WIDGETS}/w/status", {"status": {}})).status == 404


async def test_patches(server: Server) -> None:
    await established(server, definition())
    await server.post(WIDGETS, widget())
    added = [{"op": "add", "path": "/spec/tags", "value": ["x"]}]
    assert (await server.patch(f"{WIDGETS}/w", added, JSON_PATCH)).body["spec"]["tags"] == ["x"]
    refused = await server.patch(f"{WIDGETS}/w", {}, STRATEGIC)
    assert refused.status == 415
    assert "application/json-patch+json, application/merge-patch+json" in refused.body["message"]


async def test_what_was_wrong_before_and_is_as_it_was_is_let_pass(server: Server) -> None:
    await established(server, definition())
    await server.post(WIDGETS, widget(size=9, tags=["a"]))
    narrow = {**SPEC, "properties": {**SPEC["properties"], "size": {"type": "integer", "maximum": 5}}}
    await server.patch(f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [version(spec=narrow)]}})
    assert (await server.patch(f"{WIDGETS}/w", {"spec": {"tags": ["b"]}})).status == 200
    assert (await server.patch(f"{WIDGETS}/w", {"spec": {"size": 8}})).status == 422


async def test_a_new_default_is_seen_in_old_objects(server: Server) -> None:
    await established(server, definition())
    before = (await server.post(WIDGETS, widget())).body
    wide = {**SPEC, "properties": {**SPEC["properties"], "extra": {"type": "string", "default": "new"}}}
    await server.patch(f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [version(spec=wide)]}})
    after = (await server.get(f"{WIDGETS}/w")).body
    assert after["spec"] == {**before["spec"], "extra": "new"}
    assert after["metadata"] == before["metadata"]
    same = await server.patch(f"{WIDGETS}/w", {"metadata": {"labels": {"a": "b"}}})
    assert same.body["metadata"]["generation"] == 1


async def test_several_versions_without_conversion(server: Server) -> None:
    spec = {**SPEC, "properties": {"size": {"type": "integer"}}}
    old = version("v1beta1", spec, deprecated=True)
    await established(server, definition(version(), old))
    made = await server.post(f"/apis/{GROUP}/v1beta1/namespaces/default/widgets", widget(api="v1beta1", color="green"))
    assert made.headers["warning"].startswith(f'299 - "{GROUP}/v1beta1 Widget is deprecated"')
    assert (made.body["apiVersion"], made.body["spec"]) == (f"{GROUP}/v1beta1", {"size": 1})
    found = (await server.get(f"{WIDGETS}/w")).body
    assert (found["apiVersion"], found["spec"]) == (f"{GROUP}/v1", {"size": 1, "color": "red"})


async def test_scale(server: Server) -> None:
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    paths["labelSelectorPath"] = ".status.phase"
    scale = {**paths, "labelSelectorPath": ".status.phase"}
    await established(server, definition(version(subresources={"status": {}, "scale": scale})))
    await server.post(WIDGETS, widget(replicas=2))
    shown = (await server.get(f"{WIDGETS}/w/scale")).body
    assert (shown["spec"], shown["status"]) == ({"replicas": 2}, {"replicas": 0})
    await server.patch(f"{WIDGETS}/w/status", {"status": {"phase": "app=web"}})
    shown = (await server.get(f"{WIDGETS}/w/scale")).body
    assert shown["status"] == {"replicas": 0, "selector": "app=web"}
    await server.patch(f"{WIDGETS}/w/status", {"status": {"phase": "a=b"}})
    changed = (await server.patch(f"{WIDGETS}/w/scale", {"spec": {"replicas": 5}})).body
    assert changed["status"] == {"replicas": 0, "selector": "a=b"}
    found = (await server.get(f"{WIDGETS}/w")).body
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (5, 2)
    await server.post(WIDGETS, widget("none"))
    missing = await server.get(f"{WIDGETS}/none/scale")
    assert (missing.status, 'the spec replicas field ".spec.replicas" does not exist' in missing.body["message"]) == (
        500,
        True,
    )


async def test_columns(server: Server) -> None:
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Part", "type": "string", "jsonPath": '.spec.parts[?(@.name=="b")].weight', "priority": 1},
        {"name": "Born", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Nothing", "type": "string", "jsonPath": ".spec.nothing"},
    ]
    await established(server, definition(version(additionalPrinterColumns=columns)))
    await server.post(WIDGETS, widget(parts=[{"name": "a"}, {"name": "b", "weight": 7}]))
    table = (await server.get(WIDGETS, accept=TABLE)).body
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Size", "Part", "Born", "Nothing"]
    assert table["rows"][0]["cells"] == ["w", 1, "7", "0s", None]


async def test_selectable_fields(server: Server) -> None:
    await established(server, definition(version(selectableFields=[{"jsonPath": ".spec.color"}])))
    await server.post(WIDGETS, widget("a", color="green"))
    await server.post(WIDGETS, widget("b"))
    found = (await server.get(WIDGETS, fieldSelector="spec.color=green")).body["items"]
    assert [item["metadata"]["name"] for item in found] == ["a"]
    assert (await server.get(WIDGETS, fieldSelector="spec.size=1")).status == 400


async def test_names_that_are_taken(server: Server) -> None:
    await established(server, definition())
    other = definition(kind="Wicket", names={"plural": "wickets", "shortNames": ["wi"], "singular": "widget"})
    await server.post(CRDS, other)
    await settle()
    conditions = (await server.get(f"{CRDS}/wickets.{GROUP}")).body["status"]["conditions"]
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in conditions] == [
        ("NamesAccepted", "False", "ShortNamesConflict", '"wi" is already in use'),
        ("Established", "False", "NotAccepted", "not all names are accepted"),
    ]
    await server.delete(f"{CRDS}/widgets.{GROUP}")
    await settle()
    conditions = (await server.get(f"{CRDS}/wickets.{GROUP}")).body["status"]["conditions"]
    assert [c["status"] for c in conditions] == ["True", "True"]


async def test_a_definition_goes_with_its_objects(server: Server) -> None:
    await established(server, definition())
    await server.post(WIDGETS, widget("a"))
    held = widget("b")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await server.post(WIDGETS, held)
    gone = (await server.delete(f"{CRDS}/widgets.{GROUP}")).body
    assert gone["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await settle()
    conditions = (await server.get(f"{CRDS}/widgets.{GROUP}")).body["status"]["conditions"]
    assert [(c["type"], c["reason"]) for c in conditions][-1] == ("Terminating", "InstanceDeletionInProgress")
    assert [item["metadata"]["name"] for item in (await server.get(WIDGETS)).body["items"]] == ["b"]
    refused = await server.post(WIDGETS, widget("c"))
    assert (refused.status, refused.body["message"]) == (
        405,
        "create not allowed while custom resource definition is terminating",
    )
    await server.patch(f"{WIDGETS}/b", {"metadata": {"finalizers": None}})
    await settle()
    assert (await server.get(f"{CRDS}/widgets.{GROUP}")).status == 404
    assert (await server.get(WIDGETS)).status == 404


async def test_a_watch_sees_objects_and_ends_with_their_definition(server: Server) -> None:
    await established(server, definition())
    stream = await server.watch(WIDGETS)
    await server.post(WIDGETS, widget())
    await settle()
    assert stream.brief() == [("ADDED", "w")]
    await server.delete(f"{CRDS}/widgets.{GROUP}")
    await settle()
    assert stream.closed


async def test_a_watch_misses_nothing_when_the_definition_changes(server: Server) -> None:
    await established(server, definition())
    await server.post(WIDGETS, widget("a"))
    stream = await server.watch(WIDGETS, allowWatchBookmarks="true")
    before = stream.take()[-1]["object"]["metadata"]["resourceVersion"]
    await server.post(WIDGETS, widget("b"))
    wide = {**SPEC, "properties": {**SPEC["properties"], "extra": {"type": "string", "default": "new"}}}
    change = version(spec=wide, selectableFields=[{"jsonPath": ".spec.extra"}])
    await server.patch(f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [change]}})
    await settle()
    assert (stream.brief(), stream.closed) == ([("ADDED", "b")], True)
    await server.post(WIDGETS, widget("c"))
    again = await server.watch(WIDGETS, resourceVersion=before, fieldSelector="spec.extra=new")
    shown = [(event["type"], event["object"]["metadata"]["name"], event["object"]["spec"]) for event in again.take()]
    assert shown == [("ADDED", name, {"size": 1, "color": "red", "extra": "new"}) for name in ("b", "c")]
    assert not again.closed


async def test_a_restarted_server_serves_what_it_served(server: Server) -> None:
    await established(server, definition(version(selectableFields=[{"jsonPath": ".spec.color"}])))
    await server.post(WIDGETS, widget())
    server.api.close()
    await server.cache.stop()
    server.restart()
    await server.cache.start()
    server.api.start()
    found = (await server.get(WIDGETS, fieldSelector="spec.color=red")).body["items"]
    assert [item["metadata"]["name"] for item in found] == ["w"]


async def test_a_table_is_of_the_version_that_is_asked_for(server: Server) -> None:
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
    wide = {**SPEC, "properties": {**SPEC["properties"], "extra": {"type": "string", "default": "new"}}}
    await established(server, definition(version(), version("v2", wide, additionalPrinterColumns=columns)))
    await server.post(WIDGETS, widget())
    table = (await server.get(WIDGETS.replace("v1", "v2"), accept=TABLE, includeObject="Object")).body
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Size"]
    shown = table["rows"][0]["object"]
    assert (shown["apiVersion"], shown["spec"]["extra"]) == (f"{GROUP}/v2", "new")


async def test_what_has_no_namespace(server: Server) -> None:
    await established(server, definition(kind="Globe", scope="Cluster"))
    globes = f"/apis/{GROUP}/v1/globes"
    body = {"kind": "Globe", "apiVersion": f"{GROUP}/v1", "metadata": {"name": "g"}, "spec": {"size": 1}}
    assert (await server.post(globes, body)).status == 201
    assert (await server.get(f"{globes}/g")).status == 200
    assert (await server.get(f"/apis/{GROUP}/v1/namespaces/default/globes")).status == 404


async def test_versions_go_when_nothing_is_stored_in_them(server: Server) -> None:
    await established(server, definition(version(), version("v2")))
    path, lone = f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [version("v2", storage=True)]}}
    both = [version(storage=False), version("v2", storage=True)]
    changed = await server.patch(path, {"spec": {"versions": both}})
    assert changed.body["status"]["storedVersions"] == ["v1", "v2"]
    refused = await server.patch(path, lone)
    assert refused.body["details"]["causes"][0]["field"] == "status.storedVersions[0]"
    for stored, why in (([], "must have at least one stored version"), (["v1"], "must have the storage version v2")):
        refused = await server.patch(f"{path}/status", {"status": {"storedVersions": stored}})
        assert (refused.status, refused.body["message"].endswith(why)) == (422, True)
    assert (await server.patch(f"{path}/status", {"status": {"storedVersions": ["v2"]}})).status == 200
    assert (await server.patch(path, lone)).status == 200


async def test_a_version_that_is_served_no_more(server: Server) -> None:
    await established(server, definition(version(), version("v2")))
    v2 = WIDGETS.replace("v1", "v2")
    assert (await server.get(v2)).status == 200
    await server.patch(f"{CRDS}/widgets.{GROUP}", {"spec": {"versions": [version(), version("v2", served=False)]}})
    assert ((await server.get(v2)).status, (await server.get(WIDGETS)).status) == (404, 200)
