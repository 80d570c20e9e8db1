"""What the API is told of a pod."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.kubelet.interfaces import Addresses
from knarr.kubelet.plan import Observation
from knarr.kubelet.report import Report, Waiting
from knarr.kubelet.status import pod_status
from tests.unit.kubelet.pods import pod
from tests.unit.kubelet.runtimes import exited, observed, running

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
ENDED = {
    "exitCode": 1,
    "reason": "Error",
    "startedAt": "2026-01-01T00:00:00Z",
    "finishedAt": "2026-01-01T00:00:10Z",
    "containerID": "containerd://app-0",
}


def report(seen: Observation, spec: dict[str, Any] | None = None, **fields: Any) -> Report:
    status = fields.pop("status", None)
    defaults = {"sandbox_ready": True, "ready": lambda _: True, "started": lambda _: True}
    return Report(pod(spec, status, generation=1), seen, NOW, **{**defaults, **fields})


def test_a_ready_pod_whole() -> None:
    addresses = Addresses(("10.0.0.5",), ("192.0.2.1",))
    status = pod_status(report(observed(running()), addresses=addresses, start_time="2026-01-01T00:00:00Z"))

    def true(name: str) -> dict[str, Any]:
        since = "2026-01-01T00:01:00Z"
        return {"type": name, "status": "True", "observedGeneration": 1, "lastTransitionTime": since}

    assert status == {
        "phase": "Running",
        "observedGeneration": 1,
        "conditions": [
            true("PodReadyToStartContainers"),
            true("Initialized"),
            true("Ready"),
            true("ContainersReady"),
            true("PodScheduled"),
        ],
        "startTime": "2026-01-01T00:00:00Z",
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
        "podIP": "10.0.0.5",
        "podIPs": [{"ip": "10.0.0.5"}],
        "containerStatuses": [
            {
                "name": "app",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                "lastState": {},
                "ready": True,
                "restartCount": 0,
                "image": "i",
                "imageID": "i@1",
                "containerID": "containerd://app-0",
                "started": True,
            }
        ],
        "qosClass": "BestEffort",
    }


PHASES: dict[str, tuple[dict[str, Any], Observation, dict[str, Any], str]] = {
    "nothing yet": ({}, observed(), {}, "Pending"),
    "initializing": ({"initContainers": [{"name": "i"}]}, observed(running("i")), {}, "Pending"),
    "waiting to run again": (
        {},
        observed(exited(code=1)),
        {"waiting": {"app": Waiting("CrashLoopBackOff")}},
        "Running",
    ),
    "failed, will restart": ({"restartPolicy": "OnFailure"}, observed(exited(code=1)), {}, "Running"),
    "being stopped": ({}, observed(exited(code=1)), {"stopping": True}, "Running"),
    "stopped": ({}, observed(exited()), {"stopped": True}, "Succeeded"),
    "stopped by force": ({}, observed(exited(code=137)), {"stopped": True}, "Failed"),
    "stopped before it ran": ({}, observed(), {"stopped": True}, "Failed"),
    "final stays final": ({}, observed(running()), {"status": {"phase": "Failed"}}, "Failed"),
}


@pytest.mark.parametrize(("spec", "seen", "fields", "phase"), PHASES.values(), ids=PHASES.keys())
def test_phase(spec: dict[str, Any], seen: Observation, fields: dict[str, Any], phase: str) -> None:
    assert pod_status(report(seen, spec, **fields))["phase"] == phase


def container(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["containerStatuses"][0]
    return {name: found.get(name) for name in ("state", "lastState", "restartCount")}


def test_a_container_that_backs_off_shows_how_it_ended() -> None:
    waiting = {"app": Waiting("CrashLoopBackOff", "back-off 10s")}
    assert container(pod_status(report(observed(exited(code=1)), waiting=waiting))) == {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": ENDED},
        "restartCount": 0,
    }


def test_a_restarted_container_keeps_its_last_end() -> None:
    assert container(pod_status(report(observed(exited(code=1), running(attempt=1))))) == {
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        "lastState": {"terminated": ENDED},
        "restartCount": 1,
    }


def test_the_end_of_a_container_is_not_lost_with_its_record() -> None:
    old = {"name": "app", "state": {"terminated": ENDED}, "lastState": {}, "restartCount": 4}
    status = pod_status(report(observed(), status={"phase": "Failed", "containerStatuses": [old]}))
    assert container(status) == {"state": {"terminated": ENDED}, "lastState": {}, "restartCount": 4}


def condition(status: dict[str, Any], name: str) -> tuple[str, str, str]:
    found = next(c for c in status["conditions"] if c["type"] == name)
    return found["status"], found.get("reason", ""), found.get("message", "")


def test_an_unready_container_is_named() -> None:
    status = pod_status(report(observed(running()), ready=lambda _: False))
    why = ("False", "ContainersNotReady", "containers with unready status: [app]")
    assert (condition(status, "Ready"), condition(status, "ContainersReady")) == (why, why)


def test_a_readiness_gate_holds_the_pod_back() -> None:
    status = pod_status(report(observed(running()), {"readinessGates": [{"conditionType": "example.com/lb"}]}))
    text = 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
    assert condition(status, "Ready") == ("False", "ReadinessGatesNotReady", text)
    assert condition(status, "ContainersReady")[0] == "True"


def test_a_condition_keeps_its_time_while_it_stays() -> None:
    old = {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    status = pod_status(report(observed(running()), status={"conditions": [old]}))
    assert next(c for c in status["conditions"] if c["type"] == "Ready")["lastTransitionTime"] == "2020-01-01T00:00:00Z"
