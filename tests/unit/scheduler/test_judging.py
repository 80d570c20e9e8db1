"""What is remembered of judgements, and what is not."""

from __future__ import annotations

from knarr.scheduler.framework import Plugin
from knarr.scheduler.judging import REMEMBERED, Checks, Judges
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand
from tests.unit.scheduler.builders import container, node, pod, raw_node


class Counting:
    """A plugin that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.plugin = Plugin("Counting", score=lambda _: self._score)
        self.judges = Judges([self.plugin])

    def _score(self, on: NodeInfo) -> int:
        self.asked.append(on.name)
        return len(on.pods)

    def judge(self, demand: Demand, on: NodeInfo) -> int:
        return self.judges.of(demand).judge(on).points


def test_an_unchanged_node_is_not_looked_at_again_for_pods_of_a_kind() -> None:
    counting, nodes = Counting(), [node("a"), node("b")]
    for _ in range(3):
        assert [counting.judge(pod().demand, on) for on in nodes] == [0, 0]
    assert counting.asked == ["a", "b"]


def test_other_demands_are_judged_anew() -> None:
    counting, on = Counting(), node("a")
    for demand in (pod().demand, pod(containers=[container(cpu="1")]).demand, pod(nodeSelector={"a": "b"}).demand):
        counting.judge(demand, on)
    assert counting.asked == ["a", "a", "a"]


def test_a_node_that_has_changed_is_looked_at_again() -> None:
    counting, on, there = Counting(), node("a"), pod()
    points = [counting.judge(pod().demand, on)]
    on.add(there)
    points.append(counting.judge(pod().demand, on))
    on.remove(there)
    points.append(counting.judge(pod().demand, on))
    on.set_node(raw_node("a", unschedulable=True))
    points.append(counting.judge(pod().demand, on))
    assert (points, len(counting.asked)) == ([0, 1, 0, 0], 4)


def test_a_node_that_comes_again_under_its_name_is_another() -> None:
    counting = Counting()
    assert [counting.judge(pod().demand, on) for on in (node("a"), node("a", pod()))] == [0, 1]


def test_only_the_latest_demands_are_remembered() -> None:
    counting, on = Counting(), node("a")
    demands = [pod(containers=[container(cpu=str(n))]).demand for n in range(REMEMBERED + 1)]
    for demand in (*demands, demands[-1], demands[0]):
        counting.judge(demand, on)
    assert len(counting.asked) == REMEMBERED + 2


def test_a_plugin_that_stumbles_leaves_it_to_the_next_attempt_to_say_so() -> None:
    def stumble(on: NodeInfo) -> list[str]:
        raise ValueError

    assert Checks(pod().demand, [Plugin("Stumbling", filter=lambda _: stumble)]).fit(node())


def test_no_pod_fits_on_a_node_that_is_gone() -> None:
    gone = node()
    gone.exists = False
    assert not Checks(pod().demand, []).fit(gone)
