"""Where Pods count."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.scheduler.cache import Cache
from knarr.scheduler.objects import Pod
from tests.unit.scheduler.builders import container, pod, raw_node, raw_pod


def bound(cpu: str = "1", node: str = "a", **rest: Any) -> Pod:
    return raw_pod(uid="p", nodeName=node, containers=[container(cpu=cpu)], **rest)


@pytest.fixture
def cache() -> Cache:
    made = Cache()
    for name in "abc":
        made.set_node(raw_node(name))
    return made


def used(cache: Cache) -> dict[str, int]:
    """CPU in use on each node."""
    return {node.name: node.requested.get("cpu", 0) for node in sorted(cache.nodes(), key=lambda node: node.name)}


ASSUMED = pod(uid="p", containers=[container(cpu="1")])


def test_an_assumed_pod_counts_until_it_is_forgotten(cache: Cache) -> None:
    cache.assume(ASSUMED, "a")
    assert used(cache) == {"a": 1000, "b": 0, "c": 0}
    freed = cache.forget(ASSUMED)
    assert freed and freed.name == "a"
    assert used(cache) == {"a": 0, "b": 0, "c": 0}


def test_what_was_seen_is_not_forgotten(cache: Cache) -> None:
    cache.assume(ASSUMED, "a")
    assert cache.confirm(bound()) is None
    assert cache.forget(ASSUMED) is None
    assert used(cache) == {"a": 1000, "b": 0, "c": 0}


def test_a_pod_that_is_elsewhere_than_assumed(cache: Cache) -> None:
    cache.assume(ASSUMED, "a")
    freed = cache.confirm(bound(node="b"))
    assert freed and freed.name == "a"
    assert cache.forget(ASSUMED) is None
    assert used(cache) == {"a": 0, "b": 1000, "c": 0}


def test_a_pod_that_is_resized(cache: Cache) -> None:
    cache.confirm(bound("2"))
    freed = cache.confirm(bound("1"))
    assert freed and freed.name == "a"
    assert used(cache) == {"a": 1000, "b": 0, "c": 0}


def test_a_status_changes_nothing(cache: Cache) -> None:
    cache.confirm(bound())
    assert cache.confirm(bound(status={"phase": "Running"})) is None
    assert used(cache) == {"a": 1000, "b": 0, "c": 0}


def test_removing_twice_counts_once(cache: Cache) -> None:
    cache.confirm(bound())
    assert cache.remove("p")
    assert cache.remove("p") is None
    assert used(cache) == {"a": 0, "b": 0, "c": 0}


def test_pods_of_a_node_that_is_gone_count_when_it_comes_back(cache: Cache) -> None:
    cache.confirm(bound())
    cache.remove_node("a")
    assert used(cache) == {"b": 0, "c": 0}
    cache.set_node(raw_node("a"))
    assert used(cache) == {"a": 1000, "b": 0, "c": 0}


def test_pods_are_known_before_their_node(cache: Cache) -> None:
    cache.confirm(bound(node="d"))
    assert used(cache) == {"a": 0, "b": 0, "c": 0}
    cache.set_node(raw_node("d"))
    assert used(cache) == {"a": 0, "b": 0, "c": 0, "d": 1000}


def test_nothing_is_kept_of_a_node_without_pods(cache: Cache) -> None:
    cache.confirm(bound())
    cache.remove_node("a")
    cache.remove("p")
    cache.remove_node("a")
    cache.remove_node("unknown")
    assert used(cache) == {"b": 0, "c": 0}


def test_every_node_has_its_turn(cache: Cache) -> None:
    orders = []
    for _ in range(3):
        orders.append("".join(node.name for node in cache.nodes()))
        cache.searched(2)
    assert orders == ["abc", "cab", "bca"]


def test_turns_go_on_when_nodes_go(cache: Cache) -> None:
    cache.searched(2)
    for name in "abc":
        cache.remove_node(name)
        cache.searched(1)
    assert list(cache.nodes()) == []
