from __future__ import annotations

import pytest

from knarr.scheduler.plugins.taint_toleration import check, score
from tests.unit.scheduler.builders import JSON, node, pod

UNTOLERATED = ("node(s) had untolerated taint(s)",)


def tolerations(*written: JSON) -> list[JSON]:
    return list(written)


@pytest.mark.parametrize(
    ("taints", "tolerated", "expected"),
    [
        pytest.param((), [], (), id="no taint"),
        pytest.param(("a=b:NoSchedule",), [], UNTOLERATED, id="NoSchedule"),
        pytest.param(("a=b:NoExecute",), [], UNTOLERATED, id="NoExecute"),
        pytest.param(("a=b:PreferNoSchedule",), [], (), id="PreferNoSchedule forbids nothing"),
        pytest.param(("a=b:NoSchedule",), tolerations({"key": "a", "value": "b"}), (), id="Equal is the default"),
        pytest.param(("a=b:NoSchedule",), tolerations({"key": "a", "value": "c"}), UNTOLERATED, id="another value"),
        pytest.param(("a=b:NoSchedule",), tolerations({"key": "c", "value": "b"}), UNTOLERATED, id="another key"),
        pytest.param(
            ("a=b:NoSchedule",),
            tolerations({"key": "a", "value": "b", "effect": "NoExecute"}),
            UNTOLERATED,
            id="another effect",
        ),
        pytest.param(("a=b:NoSchedule",), tolerations({"key": "a", "operator": "Exists"}), (), id="Exists"),
        pytest.param(("a=b:NoSchedule", "c:NoExecute"), tolerations({"operator": "Exists"}), (), id="everything"),
        pytest.param(
            ("a=b:NoSchedule", "c:NoExecute"), tolerations({"key": "a", "value": "b"}), UNTOLERATED, id="one of two"
        ),
        pytest.param(("a:NoSchedule",), tolerations({"key": "a"}), (), id="a taint without value"),
        pytest.param(
            ("a=5:NoSchedule",), tolerations({"key": "a", "operator": "Gt", "value": "1"}), UNTOLERATED, id="Gt is off"
        ),
    ],
)
def test_refuses(taints: tuple[str, ...], tolerated: list[JSON], expected: tuple[str, ...]) -> None:
    assert check(pod(tolerations=tolerated).demand)(node(taints=taints)) == expected


@pytest.mark.parametrize(
    ("taints", "tolerated", "expected"),
    [
        pytest.param(("a:PreferNoSchedule", "b:PreferNoSchedule"), [], 2, id="each counts"),
        pytest.param(
            ("a:PreferNoSchedule", "b:PreferNoSchedule"), tolerations({"key": "a"}), 1, id="tolerated ones not"
        ),
        pytest.param(("a:NoSchedule",), [], 0, id="other effects not"),
    ],
)
def test_counts_what_speaks_against_a_node(taints: tuple[str, ...], tolerated: list[JSON], expected: int) -> None:
    assert score(pod(tolerations=tolerated).demand)(node(taints=taints)) == expected
