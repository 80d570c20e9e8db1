from __future__ import annotations

from typing import Any

import pytest

from knarr.scheduler.judging import Checks
from knarr.scheduler.plugins.node_ports import PLUGIN
from knarr.scheduler.pods import PodInfo
from tests.unit.scheduler.builders import container, node, pod

TAKEN = ("node(s) didn't have free ports for the requested pod ports",)


def wanting(port: int, **rest: Any) -> PodInfo:
    return pod(containers=[container(ports=[{"hostPort": port, **rest}])])


@pytest.mark.parametrize(
    ("asking", "there", "expected"),
    [
        pytest.param(pod(), wanting(80), (), id="no host port"),
        pytest.param(wanting(80), wanting(81), (), id="another port"),
        pytest.param(wanting(80), wanting(80), TAKEN, id="the same port"),
        pytest.param(wanting(80), wanting(80, protocol="UDP"), (), id="another protocol"),
        pytest.param(wanting(80, hostIP="10.0.0.1"), wanting(80, hostIP="10.0.0.2"), (), id="another address"),
        pytest.param(wanting(80, hostIP="10.0.0.1"), wanting(80, hostIP="10.0.0.1"), TAKEN, id="the same address"),
        pytest.param(wanting(80), wanting(80, hostIP="10.0.0.1"), TAKEN, id="all addresses, one of them in use"),
        pytest.param(wanting(80, hostIP="10.0.0.1"), wanting(80), TAKEN, id="one address, all in use"),
        pytest.param(
            pod(initContainers=[{**container(ports=[{"hostPort": 80}]), "restartPolicy": "Always"}]),
            wanting(80),
            TAKEN,
            id="a sidecar's",
        ),
        pytest.param(
            pod(initContainers=[container(ports=[{"hostPort": 80}])]),
            wanting(80),
            (),
            id="an init container's is short",
        ),
    ],
)
def test_ports(asking: PodInfo, there: PodInfo, expected: tuple[str, ...]) -> None:
    assert Checks(asking.demand, [PLUGIN]).refuse(node("n", there)) == expected


def test_a_port_is_free_again_when_the_last_that_has_it_goes() -> None:
    there, asking = wanting(80), wanting(80)
    info = node("n", there)
    info.remove(there)
    assert Checks(asking.demand, [PLUGIN]).refuse(info) == ()
