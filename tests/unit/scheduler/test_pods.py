"""What Pods ask of their nodes."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.scheduler.objects import Pod
from knarr.scheduler.pods import info_of, same_demand
from tests.unit.scheduler.builders import JSON, container, raw_pod

Mi = 1 << 20


def sidecar(name: str = "s", **requests: str) -> JSON:
    return {**container(name, **requests), "restartPolicy": "Always"}


def status(name: str = "c", *, allocated: JSON | None = None, **actual: str) -> JSON:
    return {"name": name, "resources": {"requests": actual}, "allocatedResources": allocated or {}}


def infeasible() -> JSON:
    return {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(raw_pod(), {}, id="nothing"),
        pytest.param(raw_pod(containers=[container(cpu="0.5", memory="1Mi")]), {"cpu": 500, "memory": Mi}, id="one"),
        pytest.param(
            raw_pod(containers=[container("a", cpu="1"), container("b", cpu="250m", memory="1Mi")]),
            {"cpu": 1250, "memory": Mi},
            id="the sum of containers",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1", memory="2Mi")], initContainers=[container(cpu="2", memory="1Mi")]),
            {"cpu": 2000, "memory": 2 * Mi},
            id="init containers come before: the greater, resource by resource",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], initContainers=[sidecar(cpu="2")]),
            {"cpu": 3000},
            id="sidecars stay beside the containers",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], initContainers=[sidecar(cpu="2"), container(cpu="3")]),
            {"cpu": 5000},
            id="an init container beside a sidecar",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], initContainers=[container(cpu="3"), sidecar(cpu="2")]),
            {"cpu": 3000},
            id="an init container before a sidecar",
        ),
        pytest.param(
            raw_pod(containers=[container("a", memory="100E"), container("b", memory="100E")]),
            {"memory": (1 << 63) - 1},
            id="no more than can be counted",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], overhead={"cpu": "100m", "memory": "1Mi"}),
            {"cpu": 1100, "memory": Mi},
            id="overhead on top",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1", **{"x.io/y": "2"})], resources={"requests": {"cpu": "4"}}),
            {"cpu": 4000, "x.io/y": 2},
            id="asked for the Pod as a whole",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], status={"containerStatuses": [status(cpu="2")]}),
            {"cpu": 2000},
            id="shrinking: what it still has",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="3")], status={"containerStatuses": [status(cpu="2")]}),
            {"cpu": 3000},
            id="growing: what it wants",
        ),
        pytest.param(
            raw_pod(
                containers=[container(cpu="1")], status={"containerStatuses": [status(allocated={"cpu": "2"}, cpu="1")]}
            ),
            {"cpu": 2000},
            id="what is allocated",
        ),
        pytest.param(
            raw_pod(
                containers=[container(cpu="9")],
                status={"containerStatuses": [status(cpu="2")], "conditions": [infeasible()]},
            ),
            {"cpu": 2000},
            id="what the node can never give does not count",
        ),
        pytest.param(
            raw_pod(initContainers=[sidecar(cpu="1")], status={"initContainerStatuses": [status("s", cpu="2")]}),
            {"cpu": 2000},
            id="a sidecar that is resized",
        ),
        pytest.param(
            raw_pod(containers=[container(cpu="1")], status={"containerStatuses": [{"name": "c"}]}),
            {"cpu": 1000},
            id="a status that does not say",
        ),
    ],
)
def test_requests(pod: Pod, expected: dict[str, int]) -> None:
    assert info_of(pod).demand.requests == expected


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        pytest.param([container()], {"cpu": 100, "memory": 200 * Mi}, id="nothing asked for"),
        pytest.param([container(cpu="1")], {"cpu": 1000, "memory": 200 * Mi}, id="one of them asked for"),
        pytest.param([container(cpu="0", memory="0")], {"cpu": 0, "memory": 0}, id="none is an answer"),
        pytest.param([container("a"), container("b")], {"cpu": 200, "memory": 400 * Mi}, id="for each container"),
    ],
)
def test_something_is_assumed_where_nodes_are_compared(containers: list[JSON], expected: dict[str, int]) -> None:
    assert info_of(raw_pod(containers=containers)).demand.compared == expected


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({"nodeName": "n"}, True, id="bound"),
        pytest.param({"status": {"phase": "Running"}}, True, id="running"),
        pytest.param({"containers": [container(cpu="2")]}, False, id="asks for more"),
        pytest.param({"status": {"containerStatuses": [status(cpu="2")]}}, False, id="has been given something"),
    ],
)
def test_what_changes_a_demand(changed: dict[str, Any], same: bool) -> None:
    assert same_demand(raw_pod(), raw_pod(**changed)) is same
