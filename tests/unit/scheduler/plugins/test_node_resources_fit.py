from __future__ import annotations

import pytest

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.plugins.node_resources_fit import check, score
from knarr.scheduler.pods import PodInfo
from tests.unit.scheduler.builders import container, node, pod

GPU = "example.com/gpu"
FULL = node("n", pod(containers=[container(cpu="4", memory="8Gi")]))


@pytest.mark.parametrize(
    ("asking", "on", "expected"),
    [
        pytest.param(pod(), node(), [], id="a Pod without requests"),
        pytest.param(pod(), FULL, [], id="a Pod without requests, a full node"),
        pytest.param(pod(containers=[container(cpu="4", memory="8Gi")]), node(), [], id="all there is"),
        pytest.param(pod(containers=[container(cpu="4001m")]), node(), ["Insufficient cpu"], id="a little more"),
        pytest.param(
            pod(containers=[container(cpu="1", memory="1")]),
            FULL,
            ["Insufficient cpu", "Insufficient memory"],
            id="all that is lacking is told",
        ),
        pytest.param(pod(), node("n", pod(), pods="1"), ["Too many pods"], id="no place for another Pod"),
        pytest.param(pod(), node(pods="0"), ["Too many pods"], id="no place for any"),
        pytest.param(
            pod(containers=[container(**{GPU: "1"})]),
            node(),
            [f"Insufficient {GPU}"],
            id="an unknown extended resource",
        ),
        pytest.param(pod(containers=[container(**{GPU: "2"})]), node(**{GPU: "2"}), [], id="an extended resource"),
        pytest.param(
            pod(containers=[container(**{"ephemeral-storage": "2Gi"})]),
            node(**{"ephemeral-storage": "1Gi"}),
            ["Insufficient ephemeral-storage"],
            id="disk",
        ),
        pytest.param(pod(containers=[container(**{GPU: "0"})]), node(), [], id="none of an unknown resource"),
    ],
)
def test_refuses(asking: PodInfo, on: NodeInfo, expected: list[str]) -> None:
    assert check(asking.demand)(on) == expected


@pytest.mark.parametrize(
    ("asking", "on", "expected"),
    [
        pytest.param(pod(containers=[container(cpu="2", memory="4Gi")]), node(), 50, id="half of both"),
        pytest.param(pod(containers=[container(cpu="1", memory="4Gi")]), node(), 62, id="the average"),
        pytest.param(pod(), node(cpu="1", memory="1000Mi"), 85, id="something is assumed where nothing is asked for"),
        pytest.param(
            pod(), node("n", pod(), pod(), cpu="1", memory="1000Mi"), 55, id="also for the Pods that are there"
        ),
        pytest.param(pod(), node(cpu="0", memory="0"), 0, id="a node without either"),
        pytest.param(
            pod(containers=[container(cpu="9", memory="1Mi")]), node(), 49, id="beyond the room counts as none"
        ),
    ],
)
def test_the_emptier_the_better(asking: PodInfo, on: NodeInfo, expected: int) -> None:
    assert score(asking.demand)(on) == expected
