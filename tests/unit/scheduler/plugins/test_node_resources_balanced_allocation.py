from __future__ import annotations

import pytest

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.plugins.node_resources_balanced_allocation import score
from tests.unit.scheduler.builders import container, node, pod

UNEVEN = pod(containers=[container(cpu="2")])
EVEN = pod(containers=[container(cpu="2", memory="4Gi")])


@pytest.mark.parametrize(
    ("asked", "on", "expected"),
    [
        pytest.param({"cpu": "2", "memory": "4Gi"}, node(), 75, id="as even as before"),
        pytest.param({"cpu": "2"}, node(), 62, id="less even than before"),
        pytest.param({"memory": "4Gi"}, node("n", UNEVEN), 87, id="more even than before"),
        pytest.param({"cpu": "1"}, node("n", EVEN), 68, id="a little less even"),
        pytest.param({"cpu": "1"}, node(memory="0"), 75, id="a node with one of them"),
    ],
)
def test_the_more_even_the_better(asked: dict[str, str], on: NodeInfo, expected: int) -> None:
    points = score(pod(containers=[container(**asked)]).demand)
    assert points and points(on) == expected


def test_a_pod_that_asks_for_nothing_changes_nothing() -> None:
    assert score(pod().demand) is None
