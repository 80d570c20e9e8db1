"""ReplicaSets and ReplicationControllers: as many Pods as wanted, whose they are, and what the status says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.client.objects import JSON, Meta
from knarr.client.resources import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from knarr.controllers import replicaset, replicationcontroller
from knarr.controllers.objects import Condition, ContainerStatus, Pod, PodSpec, PodStatus
from knarr.controllers.pods import first_to_go
from knarr.machinery.errors import Forbidden
from tests.unit.controllers.bench import NOW, Bench, pod

TEMPLATE = {"metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}


@pytest.fixture
def bench() -> Bench:
    return Bench(replicaset.CONTROLLER)


def replica_set(bench: Bench, replicas: int, **meta: Any) -> JSON:
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
    metadata = {"uid": "rs", "generation": 1, **meta}
    return bench.put(REPLICA_SETS, "web", kind="ReplicaSet", apiVersion="apps/v1", metadata=metadata, spec=spec)


OWNER = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "web",
    "uid": "rs",
    "controller": True,
    "blockOwnerDeletion": True,
}


async def test_missing_pods_are_created_from_the_template(bench: Bench) -> None:
    replica_set(bench, 1)
    await bench.run()
    assert bench.actions[0] == (
        "POST",
        "pods",
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "generateName": "web-",
                "labels": {"app": "web"},
                "annotations": {"a": "b"},
                "ownerReferences": [OWNER],
            },
            "spec": {"containers": [{"name": "c"}]},
        },
    )
    assert bench.events == ["SuccessfulCreate: Created pod: web-00001"]


async def test_creates_as_many_as_are_missing_and_no_more(bench: Bench) -> None:
    owner = replica_set(bench, 7)
    pod(bench, "web-1", owner)
    pod(bench, "web-2", owner, phase="Failed")
    await bench.run()
    assert bench.done.count("POST pods") == 6


async def test_status_tells_what_is_there(bench: Bench) -> None:
    owner = replica_set(bench, 3)
    pod(bench, "web-1", owner)
    pod(bench, "web-2", owner, ready=False, labels={"app": "web", "extra": "1"})
    pod(bench, "web-3", owner, phase="Pending")
    pod(bench, "web-4", owner, deletionTimestamp=NOW)
    await bench.run()
    status = {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }
    assert bench.actions == [("PUT", "replicasets/web/status", {**owner, "status": status})]


async def test_surplus_goes_worst_first(bench: Bench) -> None:
    owner = replica_set(bench, 1)
    pod(bench, "good", owner)
    pod(bench, "pending", owner, phase="Pending")
    pod(bench, "unready", owner, ready=False)
    await bench.run()
    assert sorted(bench.done[:2]) == ["DELETE pods/pending", "DELETE pods/unready"]
    assert bench.actions[0][2]["preconditions"]["uid"].startswith("uid-")
    assert [p["metadata"]["name"] for p in bench.all(PODS)] == ["good"]
    assert sorted(bench.events) == ["SuccessfulDelete: Deleted pod: pending", "SuccessfulDelete: Deleted pod: unready"]


async def test_a_deleted_pod_comes_back(bench: Bench) -> None:
    replica_set(bench, 2)
    async with bench.running():
        gone = bench.all(PODS)[0]["metadata"]["name"]
        bench.remove(PODS, gone)
        await bench.settle()
        assert len(bench.all(PODS)) == 2
        assert bench.done.count("POST pods") == 3


async def test_an_orphan_that_matches_is_adopted(bench: Bench) -> None:
    replica_set(bench, 1)
    orphan = pod(bench, "lost")
    await bench.run()
    patch = {"metadata": {"ownerReferences": [OWNER], "uid": orphan["metadata"]["uid"]}}
    assert bench.actions[0] == ("PATCH", "pods/lost", patch)
    assert "POST pods" not in bench.done


async def test_a_pod_that_no_longer_matches_is_released_and_replaced(bench: Bench) -> None:
    owner = replica_set(bench, 1)
    pod(bench, "debug", owner, uid="p", labels={"app": "debug"})
    async with bench.running():
        await bench.settle()
    gone = {"$patch": "delete", "uid": "rs"}
    assert bench.actions[0] == ("PATCH", "pods/debug", {"metadata": {"ownerReferences": [gone], "uid": "p"}})
    assert "POST pods" in bench.done


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param({"kind": "Job", "name": "web", "uid": "j", "controller": True}, id="of another kind"),
        pytest.param(
            {"kind": "ReplicaSet", "name": "web", "uid": "old", "controller": True}, id="of a former ReplicaSet"
        ),
    ],
)
async def test_what_belongs_to_others_is_left_alone(bench: Bench, owner: JSON) -> None:
    replica_set(bench, 0)
    pod(bench, "theirs", ownerReferences=[owner])
    await bench.run()
    assert bench.done == ["PUT replicasets/web/status"]


async def test_nothing_is_made_for_what_is_being_deleted(bench: Bench) -> None:
    replica_set(bench, 3, deletionTimestamp=NOW)
    pod(bench, "orphan")
    await bench.run()
    assert bench.done == ["PUT replicasets/web/status"]


async def test_refusals_show_and_the_rest_is_not_tried(bench: Bench) -> None:
    replica_set(bench, 10)
    bench.api.fail("POST", "pods", Forbidden("exceeded quota"), times=2)
    async with bench.running():
        assert bench.done.count("POST pods") == 2  # its own status is a change that calls it once more
        (condition,) = bench.get(REPLICA_SETS, "web")["status"]["conditions"]
        assert condition == {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": "exceeded quota",
            "lastTransitionTime": NOW,
        }
        assert bench.events == ["FailedCreate: Error creating: exceeded quota"]
        await bench.advance(1)
        assert len(bench.all(PODS)) == 10
        assert "conditions" not in bench.get(REPLICA_SETS, "web")["status"]


async def test_available_after_min_ready_seconds(bench: Bench) -> None:
    owner = replica_set(bench, 1)
    bench.put(REPLICA_SETS, "web", spec={**owner["spec"], "minReadySeconds": 30})
    pod(bench, "web-1", owner)
    async with bench.running():
        assert "availableReplicas" not in bench.get(REPLICA_SETS, "web")["status"]
        await bench.advance(30)
        assert bench.get(REPLICA_SETS, "web")["status"]["availableReplicas"] == 1


async def test_a_settled_one_is_left_alone(bench: Bench) -> None:
    replica_set(bench, 2)
    async with bench.running():
        before = len(bench.actions)
        bench.put(REPLICA_SETS, "web")
        await bench.settle()
        assert len(bench.actions) == before


async def test_replication_controllers_select_by_a_plain_map() -> None:
    bench = Bench(replicationcontroller.CONTROLLER)
    spec = {"replicas": 1, "selector": {"app": "web"}, "template": TEMPLATE}
    bench.put(REPLICATION_CONTROLLERS, "web", metadata={"uid": "rc"}, spec=spec)
    pod(bench, "lost")
    await bench.run()
    assert bench.done[:2] == ["PATCH pods/lost", "PUT replicationcontrollers/web/status"]
    assert "terminatingReplicas" not in bench.actions[1][2]["status"]


def ranked(
    name: str, *, node: str = "n", phase: str = "Running", ready: str | None = NOW, cost: str = "", **more: Any
) -> Pod:
    conditions = (Condition(type="Ready", status="True", last_transition_time=ready),) if ready else ()
    annotations = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    created = more.get("created", NOW)
    return Pod(
        metadata=Meta(name=name, uid=name, annotations=annotations, creation_timestamp=created),
        spec=PodSpec(node_name=node),
        status=PodStatus(
            phase=phase,
            conditions=conditions,
            container_statuses=(ContainerStatus(restart_count=more.get("restarts", 0)),),
        ),
    )


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        pytest.param(ranked("z", node=""), ranked("a"), id="not on a node"),
        pytest.param(ranked("z", phase="Pending"), ranked("a"), id="pending"),
        pytest.param(ranked("z", ready=None), ranked("a"), id="not ready"),
        pytest.param(ranked("z", cost="-5"), ranked("a"), id="cheap"),
        pytest.param(ranked("a"), ranked("z", cost="5"), id="not dear"),
        pytest.param(ranked("z", node="full"), ranked("a"), id="crowded"),
        pytest.param(ranked("z", ready="2026-01-01T23:00:00Z"), ranked("a"), id="ready since shortly"),
        pytest.param(ranked("z", restarts=3), ranked("a"), id="restarted"),
        pytest.param(ranked("z", created="2026-01-01T23:00:00Z"), ranked("a"), id="young"),
        pytest.param(ranked("a"), ranked("z"), id="else by uid"),
        pytest.param(ranked("a", cost="dear"), ranked("z"), id="a cost that is no number"),
    ],
)
def test_first_to_go(goes: Pod, stays: Pod) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert first_to_go([stays, goes], now, {"full": 2, "n": 1}) == [goes, stays]
