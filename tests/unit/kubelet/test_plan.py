"""What a pod needs next."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.kubelet.plan import Observation, Plan, plan
from tests.unit.kubelet.pods import pod
from tests.unit.kubelet.runtimes import exited, observed, running

INITS = [{"name": "one"}, {"name": "two"}]
SIDECAR = {"name": "helper", "restartPolicy": "Always"}


def spec(policy: str = "Always", *inits: dict[str, Any]) -> dict[str, Any]:
    return {"restartPolicy": policy, "initContainers": list(inits)}


START = {
    "nothing runs yet": (spec(), observed(sandbox=""), ["app"]),
    "it runs": (spec(), observed(running()), []),
    "it is being started": (spec(), observed(busy=["app"]), []),
    "it ended and always restarts": (spec(), observed(exited()), ["app"]),
    "it failed and restarts on failure": (spec("OnFailure"), observed(exited(code=1)), ["app"]),
    "its sandbox died": (spec(), observed(exited(), sandbox=""), ["app"]),
    "the first init container": (spec("Always", *INITS), observed(), ["one"]),
    "no second before the first has ended": (spec("Always", *INITS), observed(running("one")), []),
    "the second init container": (spec("Always", *INITS), observed(exited("one")), ["two"]),
    "a failed init container again": (spec("Always", *INITS), observed(exited("one", 1)), ["one"]),
    "the app after all init containers": (spec("Always", *INITS), observed(exited("one"), exited("two")), ["app"]),
    "init containers again in a new sandbox": (
        spec("OnFailure", *INITS),
        observed(exited("one", sandbox="s0"), exited("two", sandbox="s0"), running(sandbox="s0")),
        ["one"],
    ),
    "no app before its sidecar has started": (
        spec("Always", SIDECAR),
        observed(running("helper"), started=lambda _: False),
        [],
    ),
    "the app beside its sidecar": (spec("Always", SIDECAR), observed(running("helper")), ["app"]),
    "a sidecar again beside the app": (spec("Never", SIDECAR), observed(exited("helper", 1), running()), ["helper"]),
}


@pytest.mark.parametrize(("spec", "seen", "expected"), START.values(), ids=START.keys())
def test_start(spec: dict[str, Any], seen: Observation, expected: list[str]) -> None:
    assert [container.name for container in plan(pod(spec), seen).start] == expected


OUTCOMES = {
    "all succeeded": (spec("Never"), observed(exited()), "Succeeded"),
    "one failed": (spec("Never"), observed(exited(code=2)), "Failed"),
    "succeeded in the end": (spec("OnFailure"), observed(exited(code=1), exited(attempt=1)), "Succeeded"),
    "an init container failed for good": (spec("Never", *INITS), observed(exited("one", 1)), "Failed"),
    "a sidecar still runs": (spec("Never", SIDECAR), observed(running("helper"), exited()), "Succeeded"),
    "the sandbox died under what must not restart": (spec("Never"), observed(exited(code=137), sandbox=""), "Failed"),
}


@pytest.mark.parametrize(("spec", "seen", "outcome"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_outcome(spec: dict[str, Any], seen: Observation, outcome: str) -> None:
    assert plan(pod(spec), seen) == Plan(outcome=outcome)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"failure": lambda _: "liveness"}, "Container app failed liveness probe, will be restarted"),
        ({"failure": lambda _: "startup"}, "Container app failed startup probe, will be restarted"),
        ({"outdated": lambda _c, _r: True}, "Container app definition changed, will be restarted"),
    ],
    ids=["liveness", "startup", "changed"],
)
def test_kill(changes: dict[str, Any], message: str) -> None:
    [kill] = plan(pod(), observed(running(), **changes)).kill
    assert (kill.record.id, kill.message) == ("app-0", message)


EPHEMERAL = {"ephemeralContainers": [{"name": "debugger"}]}
RAN = {"ephemeralContainerStatuses": [{"name": "debugger", "containerID": "containerd://1"}]}


@pytest.mark.parametrize(
    ("seen", "status", "expected"),
    [
        (observed(running()), {}, ["debugger"]),
        (observed(running(), exited("debugger", 1)), {}, []),
        (observed(running()), RAN, []),
        (observed(sandbox=""), {}, ["app"]),
    ],
    ids=["joins what runs", "runs once", "once, also where the runtime has forgotten it", "needs a sandbox to join"],
)
def test_ephemeral_containers(seen: Observation, status: dict[str, Any], expected: list[str]) -> None:
    assert [container.name for container in plan(pod(EPHEMERAL, status), seen).start] == expected


def ruled(operator: str, *values: int, policy: str = "Never") -> dict[str, Any]:
    rule = {"action": "Restart", "exitCodes": {"operator": operator, "values": list(values)}}
    return {"containers": [{"name": "app", "restartPolicy": policy, "restartPolicyRules": [rule]}]}


RULES = {
    "a rule knows the code": (ruled("In", 42), 42, "again"),
    "no rule knows the code": (ruled("In", 42), 1, "Failed"),
    "a rule for all but this code": (ruled("NotIn", 0), 0, "Succeeded"),
    "a rule for all others": (ruled("NotIn", 0), 7, "again"),
    "its own policy over the pod's": ({"containers": [{"name": "app", "restartPolicy": "Never"}]}, 1, "Failed"),
    "its own policy where no rule fits": (ruled("In", 42, policy="OnFailure"), 1, "again"),
}


@pytest.mark.parametrize(("spec", "code", "expected"), RULES.values(), ids=RULES.keys())
def test_a_container_may_have_rules_of_its_own(spec: dict[str, Any], code: int, expected: str) -> None:
    steps = plan(pod({"restartPolicy": "Always", **spec}), observed(exited(code=code)))
    assert (steps.outcome or ("again" if steps.start else "")) == expected
