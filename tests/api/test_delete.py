from __future__ import annotations

import pytest

from knarr.api.kind import JSON
from tests.api.harness import Server
from tests.api.objects import CONFIG_MAPS, NAMESPACES, PODS, config_map, pod

CM, POD = f"{CONFIG_MAPS}/cm", f"{PODS}/p"


async def _running_pod(server: Server) -> None:
    await server.post(PODS, pod())
    await server.post(f"{POD}/binding", {"metadata": {"name": "p"}, "target": {"name": "n"}})


async def test_a_deleted_object_is_gone(server: Server) -> None:
    uid = (await server.post(CONFIG_MAPS, config_map())).body["metadata"]["uid"]
    answer = await server.delete(CM)
    assert (answer.status, answer.body) == (
        200,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "cm", "kind": "configmaps", "uid": uid},
        },
    )
    assert (await server.get(CM)).status == 404
    again = await server.delete(CM)
    assert (again.status, again.body["message"]) == (404, 'configmaps "cm" not found')


@pytest.mark.parametrize(
    ("preconditions", "message"),
    [
        pytest.param(
            {"uid": "other"}, "the UID in the precondition (other) does not match the UID in record", id="uid"
        ),
        pytest.param(
            {"resourceVersion": "1"},
            "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record",
            id="resourceVersion",
        ),
    ],
)
async def test_preconditions(server: Server, preconditions: dict[str, str], message: str) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.delete(CM, {"preconditions": preconditions})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["message"].startswith(f'Operation cannot be fulfilled on ConfigMap "cm": {message}')
    assert (await server.get(CM)).status == 200


async def test_a_running_pod_is_given_its_grace(server: Server) -> None:
    await _running_pod(server)
    asked = (await server.delete(POD)).body["metadata"]
    assert (asked["deletionTimestamp"], asked["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:30Z", 30)
    assert asked["generation"] == 2
    repeated = (await server.delete(POD)).body["metadata"]
    assert repeated == asked
    longer = (await server.delete(POD, {"gracePeriodSeconds": 60})).body["metadata"]
    assert longer == asked
    shorter = (await server.delete(POD, gracePeriodSeconds="5")).body["metadata"]
    assert (shorter["deletionTimestamp"], shorter["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:05Z", 5)
    confirmed = await server.delete(POD, {"gracePeriodSeconds": 0})
    assert (confirmed.status, confirmed.body["kind"]) == (200, "Pod")
    assert (await server.get(POD)).status == 404


async def test_a_pod_that_no_node_runs_goes_at_once(server: Server) -> None:
    await server.post(PODS, pod())
    assert (await server.delete(POD)).body["kind"] == "Pod"
    assert (await server.get(POD)).status == 404


async def test_a_finished_pod_goes_at_once(server: Server) -> None:
    await _running_pod(server)
    await server.patch(f"{POD}/status", {"status": {"phase": "Succeeded"}})
    await server.delete(POD)
    assert (await server.get(POD)).status == 404


async def test_finalizers_hold_an_object_until_the_last_is_gone(server: Server) -> None:
    body = config_map()
    body["metadata"]["finalizers"] = ["example.com/a", "example.com/b"]
    await server.post(CONFIG_MAPS, body)
    stream = await server.watch(CONFIG_MAPS)
    held = await server.delete(CM)
    assert (held.status, held.body["metadata"]["deletionTimestamp"]) == (200, "2026-01-01T00:00:00Z")
    more = await server.patch(CM, {"metadata": {"finalizers": ["example.com/a", "example.com/c"]}})
    assert (more.status, more.body["message"]) == (
        422,
        'ConfigMap "cm" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added '
        'if the object is being deleted, found new finalizers []string{"example.com/c"}',
    )
    await server.patch(CM, {"metadata": {"finalizers": ["example.com/a"]}})
    assert (await server.patch(CM, {"metadata": {"finalizers": None}})).status == 200
    assert (await server.get(CM)).status == 404
    assert [event["type"] for event in stream.take()] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [
        pytest.param("Orphan", ["orphan"], id="orphan"),
        pytest.param("Foreground", ["foregroundDeletion"], id="foreground"),
        pytest.param("Background", None, id="background"),
    ],
)
async def test_propagation_policies_are_finalizers(server: Server, policy: str, finalizers: list[str] | None) -> None:
    await server.post(CONFIG_MAPS, config_map())
    await server.delete(CM, propagationPolicy=policy)
    found = await server.get(CM)
    assert found.status == (200 if finalizers else 404)
    if finalizers:
        assert found.body["metadata"]["finalizers"] == finalizers


JOBS, CONTROLLERS = "/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default/replicationcontrollers"
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"] | {"restartPolicy": "Never"}}
JOB = {"metadata": {"name": "x"}, "spec": {"template": TEMPLATE}}
LASTING = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"] | {"restartPolicy": "Always"}}
CONTROLLER = {"metadata": {"name": "x"}, "spec": {"selector": {"a": "b"}, "template": LASTING}}


@pytest.mark.parametrize(
    ("path", "body", "options", "left", "warned"),
    [
        pytest.param(JOBS, JOB, {}, ["orphan"], True, id="job"),
        pytest.param(JOBS, JOB, {"propagationPolicy": "Background"}, None, False, id="job-in-the-background"),
        pytest.param(JOBS, JOB, {"orphanDependents": False}, None, False, id="job-in-the-old-way"),
        pytest.param(CONTROLLERS, CONTROLLER, {}, ["orphan"], False, id="replication-controller"),
        pytest.param(CONTROLLERS, CONTROLLER, {"propagationPolicy": "Background"}, None, False, id="rc-background"),
    ],
)
async def test_kinds_older_than_policies_leave_their_pods(
    server: Server, path: str, body: JSON, options: JSON, left: list[str] | None, *, warned: bool
) -> None:
    assert (await server.post(path, body)).status == 201
    answer = await server.delete(f"{path}/x", options)
    assert answer.headers.get("warning", "").startswith('299 - "child pods are preserved by default') == warned
    found = await server.get(f"{path}/x")
    assert (found.body["metadata"].get("finalizers") if found.status == 200 else None) == left


async def test_the_policy_that_an_object_carries_counts_more_than_its_kinds(server: Server) -> None:
    await server.post(JOBS, {**JOB, "metadata": {"name": "x", "finalizers": ["foregroundDeletion"]}})
    answer = await server.delete(f"{JOBS}/x", {"kind": "DeleteOptions", "apiVersion": "v1"})
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]


async def test_an_unknown_policy_is_refused(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.delete(CM, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Never"})
    assert (answer.status, answer.body["message"]) == (
        422,
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Never": '
        'supported values: "Foreground", "Background", "Orphan", "nil"',
    )


async def test_a_collection_is_deleted_page_by_page(server: Server) -> None:
    for name in "abc":
        await server.post(CONFIG_MAPS, config_map(name))
    first = (await server.delete(CONFIG_MAPS, limit="2")).body
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    second = (await server.delete(CONFIG_MAPS, limit="2", **{"continue": first["metadata"]["continue"]})).body
    assert [item["metadata"]["name"] for item in second["items"]] == ["c"]
    assert (await server.get(CONFIG_MAPS)).body["items"] == []


async def test_a_collection_is_deleted_by_selector(server: Server) -> None:
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red")):
        await server.post(CONFIG_MAPS, config_map(name, {"color": color}))
    answer = await server.delete(CONFIG_MAPS, labelSelector="color=red")
    assert (answer.status, answer.body["kind"]) == (200, "ConfigMapList")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a", "c"]
    left = (await server.get(CONFIG_MAPS)).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]


async def test_a_namespace_goes_when_its_finalizer_does(server: Server) -> None:
    path = f"{NAMESPACES}/going"
    await server.post(NAMESPACES, {"metadata": {"name": "going"}})
    going = (await server.delete(path)).body
    assert going["status"] == {"phase": "Terminating"}
    assert going["spec"] == {"finalizers": ["kubernetes"]}
    assert going["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    going["spec"] = {"finalizers": []}
    assert (await server.put(path, going)).body["spec"] == {"finalizers": ["kubernetes"]}
    assert (await server.put(f"{path}/finalize", going)).status == 200
    assert (await server.get(path)).status == 404


async def test_some_namespaces_stay(server: Server) -> None:
    answer = await server.delete(f"{NAMESPACES}/default")
    assert (answer.status, answer.body["message"]) == (
        403,
        'namespaces "default" is forbidden: this namespace may not be deleted',
    )


async def test_eviction_asks_the_disruption_budget(server: Server) -> None:
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    eviction = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "p"}}
    await server.post(PODS, pod(labels={"app": "x"}))
    await server.post(f"{POD}/binding", {"metadata": {"name": "p"}, "target": {"name": "n"}})
    await server.patch(f"{POD}/status", {"status": {"phase": "Running"}})
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    await server.post(budgets, {"metadata": {"name": "b"}, "spec": spec})
    refused = await server.post(f"{POD}/eviction", eviction)
    assert (refused.status, refused.body["reason"]) == (429, "TooManyRequests")
    assert refused.body["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    allowed = {
        "observedGeneration": 1,
        "disruptionsAllowed": 1,
        "desiredHealthy": 1,
        "currentHealthy": 2,
        "expectedPods": 2,
    }
    assert (await server.patch(f"{budgets}/b/status", {"status": allowed})).status == 200
    assert (await server.post(f"{POD}/eviction", eviction)).status == 201
    status = (await server.get(f"{budgets}/b")).body["status"]
    assert status["disruptionsAllowed"] == 0
    assert status["disruptedPods"] == {"p": "2026-01-01T00:00:00Z"}
    assert "deletionTimestamp" in (await server.get(POD)).body["metadata"]
