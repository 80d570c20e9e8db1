"""Choosing a node."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from knarr.scheduler.framework import Plugin
from knarr.scheduler.judging import Judge
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.placing import Placement, enough, place
from tests.unit.scheduler.builders import node, pod

NODES = tuple(node(name) for name in ("a", "b", "c"))


def refusing(**reasons: str) -> Plugin:
    """Refuses nodes by name."""
    return Plugin("Refusing", filter=lambda _: lambda on: [reasons[on.name]] if on.name in reasons else [])


def scoring(*, weight: int = 1, scaled: bool = False, reversed: bool = False, **points: int) -> Plugin:
    return Plugin(
        "Scoring", score=lambda _: lambda on: points.get(on.name, 0), weight=weight, scaled=scaled, reversed=reversed
    )


def placed(plugins: Sequence[Plugin], nodes: Sequence[NodeInfo] = NODES) -> Placement:
    return place(nodes, Judge(pod().demand, plugins), random.Random(1))


@pytest.mark.parametrize(
    ("plugins", "expected"),
    [
        pytest.param([refusing(a="x", b="x")], "c", id="the only one that fits"),
        pytest.param([scoring(a=1, b=3, c=2)], "b", id="the best"),
        pytest.param([refusing(b="x"), scoring(a=1, b=3, c=2)], "c", id="the best of those that fit"),
        pytest.param([scoring(a=10, b=9), scoring(b=2, weight=2)], "b", id="weights"),
        pytest.param([scoring(a=90), scoring(b=1, scaled=True)], "b", id="counts are scaled"),
        pytest.param([scoring(a=1, b=2, scaled=True, reversed=True)], "c", id="the fewest"),
        pytest.param([Plugin("Unconcerned", filter=lambda _: None), refusing(a="x", c="x")], "b", id="unconcerned"),
        pytest.param([Plugin("Naming", only=lambda _: {"b", "d"})], "b", id="named"),
    ],
)
def test_the_node_that_is_chosen(plugins: list[Plugin], expected: str) -> None:
    assert placed(plugins).node == expected


def test_among_equals_any() -> None:
    judge, draw = Judge(pod().demand, []), random.Random(1)
    assert {place(NODES, judge, draw).node for _ in range(50)} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("plugins", "nodes", "expected"),
    [
        pytest.param([], (), "no nodes available to schedule pods", id="no nodes"),
        pytest.param(
            [refusing(a="Insufficient cpu", b="x", c="x")],
            NODES,
            "0/3 nodes are available: 1 Insufficient cpu, 2 x.",
            id="counted",
        ),
        pytest.param(
            [refusing(a="x"), refusing(a="y", b="y", c="y")],
            NODES,
            "0/3 nodes are available: 1 x, 2 y.",
            id="the first plugin that refuses",
        ),
        pytest.param(
            [Plugin("Naming", only=lambda _: {"a"}), refusing(a="x")],
            NODES,
            "0/3 nodes are available: 1 x, 2 node(s) didn't satisfy plugin(s) [Naming].",
            id="nodes that are not named",
        ),
    ],
)
def test_what_is_told(plugins: list[Plugin], nodes: tuple[NodeInfo, ...], expected: str) -> None:
    placement = placed(plugins, nodes)
    assert (placement.node, placement.message) == ("", expected)


@pytest.mark.parametrize(
    ("nodes", "expected"), [(0, 0), (1, 1), (100, 100), (101, 100), (1000, 420), (5000, 500), (10000, 500)]
)
def test_how_many_nodes_are_enough(nodes: int, expected: int) -> None:
    assert enough(nodes) == expected


def test_the_search_ends_when_enough_are_found() -> None:
    many = [node(f"n{n}") for n in range(300)]
    placement = placed([refusing(n0="x", n1="x")], many)
    assert (placement.nodes, placement.searched) == (300, 146)
