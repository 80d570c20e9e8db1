"""Who owns what: through subresources, in several groups, and where nobody was known to own anything."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Decision, Local
from knarr.apiserver.info import RequestInfo
from tests.api.definitions import GROUP, WIDGETS, definition, established, widget
from tests.api.harness import STRATEGIC, Reply, Server
from tests.api.objects import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    SERVICES,
    config_map,
    deployment,
    event,
    pod,
    service,
)
from tests.api.test_apply import APPLY, apply, cm, owners

JSON = dict[str, Any]
CM, POD = f"{CONFIG_MAPS}/cm", f"{PODS}/p"
CORE_EVENTS = "/api/v1/namespaces/default/events"
NEW_EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"


async def forgotten(server: Server) -> Reply:
    """A ConfigMap whose owners nobody knows any more."""
    await server.post(CONFIG_MAPS, config_map(a="1"), fieldManager="creator")
    return await server.patch(CM, {"metadata": {"managedFields": [{}]}, "data": {"b": "1"}}, fieldManager="resetter")


async def test_updates_of_what_nobody_is_known_to_own_keep_no_records(server: Server) -> None:
    assert owners(await forgotten(server)) == {}
    assert owners(await server.patch(CM, {"data": {"c": "1"}}, fieldManager="later")) == {}


async def test_who_applies_first_meets_whoever_was_before(server: Server) -> None:
    await forgotten(server)
    refused = await apply(server, CM, cm(a="2"))
    assert refused.body["message"] == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'
    )
    answer = await apply(server, CM, cm(a="2", c="3"), force="true")
    assert owners(answer) == {
        ("m", "Apply", ""): {"f:data": {"f:a": {}, "f:c": {}}},
        ("before-first-apply", "Update", ""): {"f:data": {".": {}, "f:b": {}}},
    }


async def test_who_creates_a_service_owns_nothing_that_is_allocated(server: Server) -> None:
    answer = await server.post(SERVICES, service(selector={"app": "x"}), fieldManager="creator")
    assert owners(answer)["creator", "Update", ""] == {
        "f:spec": {
            "f:internalTrafficPolicy": {},
            "f:ports": {
                ".": {},
                'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}},
            },
            "f:selector": {},
            "f:sessionAffinity": {},
            "f:type": {},
        }
    }


async def test_who_writes_a_secrets_text_owns_its_data(server: Server) -> None:
    path = "/api/v1/namespaces/default/secrets"
    body = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    answer = await server.post(path, body, fieldManager="creator")
    assert owners(answer)["creator", "Update", ""] == {"f:data": {".": {}, "f:a": {}}, "f:type": {}}
    patched = await server.patch(f"{path}/s", {"stringData": {"c": "d"}}, fieldManager="patcher")
    assert patched.body["data"] == {"a": "Yg==", "c": "ZA=="}
    assert owners(patched)["patcher", "Update", ""] == {"f:data": {"f:c": {}}}


@pytest.mark.parametrize(
    ("subresource", "spec", "owned"),
    [
        pytest.param(
            "ephemeralcontainers",
            {"ephemeralContainers": [{"name": "d", "image": "b"}], "nodeName": "n"},
            {"f:ephemeralContainers": {'k:{"name":"d"}': {".": {}, "f:image": {}, "f:name": {}}}},
            id="ephemeralcontainers",
        ),
        pytest.param(
            "resize",
            {"containers": [{"name": "c", "image": "other", "resources": {"requests": {"cpu": "2"}}}]},
            {"f:containers": {'k:{"name":"c"}': {"f:resources": {"f:requests": {"f:cpu": {}}}}}},
            id="resize",
        ),
    ],
)
async def test_a_subresource_gives_what_it_writes(server: Server, subresource: str, spec: JSON, owned: JSON) -> None:
    requests = {"requests": {"cpu": "1"}}
    await server.post(PODS, pod(containers=[{"name": "c", "image": "nginx", "resources": requests}]))
    config = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec}
    answer = await apply(server, f"{POD}/{subresource}", config, force="true")
    assert answer.status == 200, answer.body
    assert owners(answer)["m", "Apply", subresource] == {"f:spec": owned}
    assert "labels" not in answer.body["metadata"]
    assert answer.body["spec"]["containers"][0]["image"] == "nginx"


@pytest.mark.parametrize(
    ("containers", "faults"),
    [
        pytest.param(
            ["b", "a"],
            "[spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize, "
            "spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize]",
            id="in another order",
        ),
        pytest.param(
            ["a"], "spec.containers: Forbidden: containers may not be added or removed on resize", id="one less"
        ),
    ],
)
async def test_a_pod_is_resized_with_its_own_containers(server: Server, containers: list[str], faults: str) -> None:
    made = (await server.post(PODS, pod(containers=[{"name": name, "image": "i"} for name in "ab"]))).body
    found = {container["name"]: container for container in made["spec"]["containers"]}
    made["spec"]["containers"] = [found[name] for name in containers]
    answer = await server.put(f"{POD}/resize", made)
    assert (answer.status, answer.body["message"]) == (422, f'Pod "p" is invalid: {faults}')


ALL = {"labels", "annotations", "finalizers"}


@pytest.mark.parametrize(
    ("path", "body", "changed"),
    [
        pytest.param(DEPLOYMENTS, deployment("x"), ALL - {"labels"}, id="deployment"),
        pytest.param(PODS, pod("x"), ALL, id="pod"),
        pytest.param(NAMESPACES, {"metadata": {"name": "x"}}, ALL, id="namespace"),
        pytest.param(WIDGETS, widget("x", size=1), set(), id="custom resource"),
        pytest.param(
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            {"metadata": {"name": "x"}, "spec": {"priorityLevelConfiguration": {"name": "exempt"}}},
            set(),
            id="flow schema",
        ),
    ],
)
async def test_what_of_the_metadata_goes_with_the_status(
    server: Server, path: str, body: JSON, changed: set[str]
) -> None:
    await established(server, definition())
    before = (await server.post(path, body)).body["metadata"]
    new = {"labels": {"n": "v"}, "annotations": {"n": "v"}, "finalizers": ["example.com/f"]}
    answer = await server.patch(f"{path}/x/status", {"metadata": new}, fieldManager="controller")
    assert answer.status == 200, answer.body
    after = answer.body["metadata"]
    assert {name for name in new if after.get(name) != before.get(name)} == changed
    fields = owners(answer).get(("controller", "Update", "status"), {})
    assert {name.removeprefix("f:") for name in fields.get("f:metadata", {})} == changed


async def test_entries_of_all_groups_stay_and_yield(server: Server) -> None:
    await server.post(NEW_EVENTS, event(), fieldManager="new")
    answer = await server.patch(f"{CORE_EVENTS}/e", {"metadata": {"labels": {"a": "b"}}}, fieldManager="old")
    assert answer.status == 200, answer.body
    assert [(e["manager"], e["apiVersion"]) for e in answer.body["metadata"]["managedFields"]] == [
        ("new", "events.k8s.io/v1"),
        ("old", "v1"),
    ]
    config = {"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e", "labels": {"a": "c"}}}
    both = await apply(server, f"{CORE_EVENTS}/e", {**config, "message": "it did not"})
    assert both.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "new" using events.k8s.io/v1:\n- .note\n'
        'conflicts with "old" using v1:\n- .metadata.labels.a'
    )


class MayNotCreate(Local):
    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return NO_OPINION if info.verb == "create" else ALLOWED


async def test_who_creates_by_another_verb_must_be_allowed_to_create(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("there", a="1"))
    server.api.registry.authorizer = MayNotCreate()
    refused = await apply(server, CM, cm(a="1"))
    assert (refused.status, refused.body["message"]) == (
        403,
        'configmaps "cm" is forbidden: User "admin" cannot create resource "configmaps" in API group "" '
        'in the namespace "default"',
    )
    put = await server.put(LEASE, {"metadata": {"name": "l"}, "spec": {}})
    assert (put.status, put.body["reason"]) == (403, "Forbidden")
    there = {**cm(a="2"), "metadata": {"name": "there"}}
    assert (await apply(server, f"{CONFIG_MAPS}/there", there, force="true")).status == 200


async def test_a_custom_resource_is_replaced_only_by_who_has_read_it(server: Server) -> None:
    await established(server, definition())
    made = (await server.post(WIDGETS, widget(size=1))).body
    made["metadata"].pop("resourceVersion")
    answer = await server.put(f"{WIDGETS}/w", made)
    assert (answer.status, answer.body["message"]) == (
        422,
        f'Widget.{GROUP} "w" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    )


async def test_the_uid_in_a_body_is_a_precondition(server: Server) -> None:
    why = "StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/cm, ResourceVersion: 0"
    failed = f"{why}, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: "
    gone = await server.put(CM, {"metadata": {"name": "cm", "uid": "x"}})
    assert (gone.status, gone.body["message"]) == (
        409,
        f'Operation cannot be fulfilled on configmaps "cm": {failed}',
    )
    made = (await server.post(CONFIG_MAPS, config_map())).body
    other = await server.patch(CM, {"metadata": {"uid": "x"}}, STRATEGIC)
    assert other.body["message"].endswith(failed + made["metadata"]["uid"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param({"dryRun": "some"}, 'dryRun: Unsupported value: "some": supported values: "All"', id="dryRun"),
        pytest.param(
            {"fieldValidation": "Some"},
            'fieldValidation: Unsupported value: "Some": supported values: "Ignore", "Strict", "Warn"',
            id="fieldValidation",
        ),
    ],
)
async def test_options_are_judged_before_anything_else(server: Server, query: dict[str, str], message: str) -> None:
    await server.post(CONFIG_MAPS, config_map(a="1"))
    answer = await server.patch(CM, cm(a="2"), APPLY, fieldManager="m", **query)
    assert (answer.status, answer.body["message"]) == (422, f'PatchOptions.meta.k8s.io "" is invalid: {message}')
