from __future__ import annotations

import pytest

from knarr.scheduler.judging import Checks
from knarr.scheduler.plugins.node_unschedulable import PLUGIN
from tests.unit.scheduler.builders import JSON, node, pod

KEY = "node.kubernetes.io/unschedulable"


@pytest.mark.parametrize(
    ("cordoned", "tolerations", "expected"),
    [
        pytest.param(False, [], (), id="an open node"),
        pytest.param(True, [], ("node(s) were unschedulable",), id="a cordoned node"),
        pytest.param(True, [{"key": KEY, "operator": "Exists"}], (), id="tolerated"),
        pytest.param(True, [{"operator": "Exists"}], (), id="tolerated with everything"),
        pytest.param(
            True,
            [{"key": KEY, "operator": "Exists", "effect": "NoExecute"}],
            ("node(s) were unschedulable",),
            id="another effect tolerated",
        ),
    ],
)
def test_cordons(cordoned: bool, tolerations: list[JSON], expected: tuple[str, ...]) -> None:
    assert Checks(pod(tolerations=tolerations).demand, [PLUGIN]).refuse(node(unschedulable=cordoned)) == expected
