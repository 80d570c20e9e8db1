"""What `kubectl get pods` says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.api.kinds.pods import KIND
from knarr.api.pods import printing
from tests.unit.api.manifests import POD, container, pod, prepared

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
FIVE_SECONDS_AGO = "2026-01-01T00:09:55Z"


def status(name: str, state: JSON, **more: Any) -> JSON:
    return {"name": name, "state": state, "ready": "running" in state, "restartCount": 0, **more}


def running(name: str = "web", **more: Any) -> JSON:
    return status(name, {"running": {}}, **more)


def waiting(reason: str, name: str = "web", **more: Any) -> JSON:
    return status(name, {"waiting": {"reason": reason}}, **more)


def terminated(name: str = "web", *, code: int = 0, **more: Any) -> JSON:
    return status(name, {"terminated": {"exitCode": code, **more}})


def observed(phase: str, *containers: JSON, init: tuple[JSON, ...] = (), sidecars: tuple[str, ...] = ()) -> JSON:
    inits = [{"name": s["name"], **({"restartPolicy": "Always"} if s["name"] in sidecars else {})} for s in init]
    return {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": c["name"]} for c in containers] or [{"name": "web"}], "initContainers": inits},
        "status": {"phase": phase, "containerStatuses": list(containers), "initContainerStatuses": list(init)},
    }


def deleted(tree: JSON) -> JSON:
    return tree | {"metadata": {"name": "web", "deletionTimestamp": FIVE_SECONDS_AGO}}


def with_conditions(tree: JSON, *conditions: JSON) -> JSON:
    return tree | {"status": tree["status"] | {"conditions": list(conditions)}}


PENDING = observed("Pending")
GATED = with_conditions(PENDING, {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"})
READY = {"type": "Ready", "status": "True"}
INITIALIZED = {"type": "Initialized", "status": "True"}
ONE_DONE = observed("Running", terminated("job", reason="Completed"), running("web"))


@pytest.mark.parametrize(
    ("tree", "ready", "said"),
    [
        pytest.param(PENDING, "0/1", "Pending", id="nothing reported yet"),
        pytest.param(observed("Running", running()), "1/1", "Running", id="runs"),
        pytest.param(observed("Running", running(ready=False)), "0/1", "Running", id="runs, not ready"),
        pytest.param(observed("Pending", waiting("ContainerCreating")), "0/1", "ContainerCreating", id="is being made"),
        pytest.param(observed("Running", waiting("CrashLoopBackOff")), "0/1", "CrashLoopBackOff", id="backs off"),
        pytest.param(observed("Succeeded", terminated(reason="Completed")), "0/1", "Completed", id="has finished"),
        pytest.param(observed("Failed", terminated(code=1, reason="Error")), "0/1", "Error", id="has failed"),
        pytest.param(observed("Failed", terminated(code=3)), "0/1", "ExitCode:3", id="no reason: exit code"),
        pytest.param(observed("Failed", terminated(code=137, signal=9)), "0/1", "Signal:9", id="no reason: signal"),
        pytest.param(with_conditions(ONE_DONE, READY), "1/2", "Running", id="one done, one runs, Pod ready"),
        pytest.param(ONE_DONE, "1/2", "NotReady", id="one done, one runs, Pod not ready"),
        pytest.param(deleted(observed("Running", running())), "1/1", "Terminating", id="is being deleted"),
        pytest.param(
            deleted(observed("Succeeded", terminated(reason="Completed"))),
            "0/1",
            "Completed",
            id="deleted after the end",
        ),
        pytest.param(GATED, "0/1", "SchedulingGated", id="is held back"),
        pytest.param(
            observed("Failed") | {"status": {"phase": "Failed", "reason": "Evicted"}}, "0/1", "Evicted", id="is evicted"
        ),
        pytest.param(
            observed("Pending", init=(running("a"), waiting("PodInitializing", "b"))),
            "0/1",
            "Init:0/2",
            id="first init",
        ),
        pytest.param(
            observed("Pending", init=(terminated("a"), running("b"))),
            "0/1",
            "Init:1/2",
            id="second init container runs",
        ),
        pytest.param(
            observed("Pending", init=(waiting("CrashLoopBackOff", "a"),)),
            "0/1",
            "Init:CrashLoopBackOff",
            id="init fails",
        ),
        pytest.param(
            observed("Pending", init=(terminated("a", code=1, reason="Error"),)), "0/1", "Init:Error", id="init failed"
        ),
        pytest.param(
            observed("Running", running(), init=(running("side", started=True),), sidecars=("side",)),
            "2/2",
            "Running",
            id="a sidecar counts",
        ),
    ],
)
def test_ready_and_status(tree: JSON, ready: str, said: str) -> None:
    assert (printing.ready(tree), printing.status(tree)) == (ready, said)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        pytest.param(observed("Running", running()), "0", id="none"),
        pytest.param(observed("Running", running(restartCount=3)), "3", id="when is unknown"),
        pytest.param(
            observed("Running", running(restartCount=3, lastState={"terminated": {"finishedAt": FIVE_SECONDS_AGO}})),
            "3 (5s ago)",
            id="five seconds ago",
        ),
        pytest.param(
            observed("Running", running(restartCount=1), init=(terminated("a") | {"restartCount": 4},)),
            "1",
            id="finished init containers no longer count",
        ),
        pytest.param(
            observed("Pending", init=(waiting("CrashLoopBackOff", "a", restartCount=4),)),
            "4",
            id="an init container that fails",
        ),
    ],
)
def test_restarts(tree: JSON, said: str) -> None:
    assert printing.restarts(tree, NOW) == said


def test_columns() -> None:
    tree = observed("Running", running())
    tree["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    tree["spec"] |= {"nodeName": "node-1", "readinessGates": [{"conditionType": "ready.example.com"}]}
    tree["status"]["podIPs"] = [{"ip": "10.244.0.5"}]
    shown = [(column.name, column.cell(tree, NOW), column.priority) for column in KIND.columns]
    assert shown == [
        ("Name", "web", 0),
        ("Ready", "1/1", 0),
        ("Status", "Running", 0),
        ("Restarts", "0", 0),
        ("Age", "10m", 0),
        ("IP", "10.244.0.5", 1),
        ("Node", "node-1", 1),
        ("Nominated Node", "<none>", 1),
        ("Readiness Gates", "0/1", 1),
    ]


@pytest.mark.parametrize(
    ("manifest", "quality"),
    [
        pytest.param(POD, "BestEffort", id="nothing asked"),
        pytest.param(container("resources: {requests: {cpu: 100m}}"), "Burstable", id="requests alone"),
        pytest.param(container("resources: {limits: {cpu: 1}}"), "Burstable", id="one resource alone"),
        pytest.param(
            container("resources: {limits: {cpu: 1, memory: 1Gi}}"), "Guaranteed", id="requests follow limits"
        ),
        pytest.param(
            container("resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}"), "Burstable", id="less asked"
        ),
    ],
)
def test_a_new_pod_is_pending_and_has_its_quality_of_service(manifest: str, quality: str) -> None:
    assert prepared(manifest)["status"] == {"phase": "Pending", "qosClass": quality}


def test_a_gated_pod_says_why_it_waits() -> None:
    held = prepared(pod("schedulingGates: [{name: example.com/hold}], containers: [{name: web, image: nginx}]"))
    assert [(c["type"], c["reason"]) for c in held["status"]["conditions"]] == [("PodScheduled", "SchedulingGated")]
