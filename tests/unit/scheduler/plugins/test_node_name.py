from __future__ import annotations

import pytest

from knarr.scheduler.plugins.node_name import check
from tests.unit.scheduler.builders import node, pod


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("n", (), id="the one it names"),
        pytest.param("m", ("node(s) didn't match the requested node name",), id="another"),
    ],
)
def test_a_pod_that_names_its_node(name: str, expected: tuple[str, ...]) -> None:
    on = check(pod(nodeName="n").demand)
    assert on and on(node(name)) == expected


def test_a_pod_that_names_none_is_no_concern() -> None:
    assert check(pod().demand) is None
