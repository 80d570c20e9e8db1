"""The queues of a priority level, against their laws."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knarr.apiserver.flowcontrol.configuration import Queuing
from knarr.apiserver.flowcontrol.queues import Queue, Queues, State


@dataclass(eq=False)
class Asker:
    """A request that takes so long, once it runs."""

    flow: int = 0
    seats: int = 1
    seconds: float = 1.0
    state: State = State.NEW
    began: float = 0.0
    queue: Queue | None = None
    spell: int = 0
    calls: int = 0

    def called(self) -> None:
        self.calls += 1


@dataclass
class Level:
    """A level and its requests over time."""

    queues: Queues
    now: float = 0.0
    served: list[Asker] = field(default_factory=list)
    _running: list[tuple[float, int, Asker]] = field(default_factory=list)
    _known: set[int] = field(default_factory=set)
    _order: Iterator[int] = field(default_factory=count)
    asked: list[Asker] = field(default_factory=list)

    def ask(self, *askers: Asker) -> None:
        for asker in askers:
            self.asked.append(asker)
            self.queues.arrive(asker, lambda flow=asker.flow: flow, self.now)  # type: ignore[misc]
        self._notice()

    def step(self) -> bool:
        """Until the next one is done."""
        if not self._running:
            return False
        self.now, _, done = heapq.heappop(self._running)
        self.queues.finish(done, self.now)
        self.served.append(done)
        self._notice()
        return True

    def _notice(self) -> None:
        for asker in self.asked:
            if asker.state is State.RUNNING and id(asker) not in self._known:
                self._known.add(id(asker))
                heapq.heappush(self._running, (asker.began + asker.seconds, next(self._order), asker))


def level(limit: int, queues: int = 8, hand: int = 1, length: int = 1000) -> Level:
    return Level(Queues(Queuing(queues, hand, length), limit))


def test_who_finds_a_seat_runs_at_once() -> None:
    there, one, two = level(2), Asker(), Asker()
    there.ask(one, two)
    assert (one.state, two.state, there.queues.taken, one.calls) == (State.RUNNING, State.RUNNING, 2, 0)


def test_without_queues_nobody_waits() -> None:
    there, asker = Level(Queues(None, 1)), Asker()
    there.ask(Asker(), asker)
    assert asker.state is State.REFUSED


def test_a_full_queue_refuses() -> None:
    there, asker = level(1, length=2), Asker()
    there.ask(Asker(), Asker(), Asker(), asker)
    assert (asker.state, there.queues.waiting) == (State.REFUSED, 2)


def test_who_waits_is_called_in_turn() -> None:
    there = level(1)
    first, second, third = Asker(), Asker(), Asker()
    there.ask(first, second, third)
    there.step()
    assert (second.state, second.calls, third.state) == (State.RUNNING, 1, State.WAITING)


def test_who_leaves_the_queue_is_forgotten() -> None:
    there = level(1)
    first, second, third = Asker(), Asker(), Asker()
    there.ask(first, second, third)
    there.queues.abandon(second, 0.0)
    there.step()
    assert (second.state, third.state, there.queues.waiting) == (State.REFUSED, State.RUNNING, 0)


def test_who_needs_many_seats_is_not_overtaken() -> None:
    there, wide, small = level(4), Asker(seats=3), Asker(flow=1)
    there.ask(Asker(seats=2), Asker(seats=2), wide, small)
    there.step()
    assert (wide.state, small.state) == (State.WAITING, State.WAITING)
    there.step()
    assert (wide.state, small.state) == (State.RUNNING, State.RUNNING)


def test_who_needs_more_than_there_is_gets_all() -> None:
    there, wide = level(2), Asker(seats=10)
    there.ask(wide)
    assert (wide.state, there.queues.taken) == (State.RUNNING, 10)


def test_more_seats_let_more_run() -> None:
    there, second = level(1), Asker()
    there.ask(Asker(), second)
    there.queues.resize(2, 0.0)
    assert second.state is State.RUNNING


@pytest.mark.parametrize("ratio", [1, 3, 10], ids=lambda n: f"requests that take {n} times as long")
def test_flows_that_always_want_more_get_the_same_time(ratio: int) -> None:
    there = level(2, queues=2)
    slow = [Asker(flow=0, seconds=0.01 * ratio) for _ in range(600)]
    quick = [Asker(flow=1, seconds=0.01) for _ in range(600)]
    there.ask(*slow, *quick)
    while len(there.served) < 400 // ratio:
        there.step()
    took = [sum(asker.seconds for asker in there.served if asker.flow == flow) for flow in (0, 1)]
    assert abs(took[0] - took[1]) <= 8 * 0.01 * ratio


def test_a_newcomer_does_not_wait_for_the_crowd() -> None:
    there, newcomer = level(1, queues=2), Asker(flow=1)
    there.ask(*(Asker() for _ in range(100)))
    for _ in range(50):
        there.step()
    there.ask(newcomer)
    there.step()
    there.step()
    assert newcomer.state in (State.RUNNING, State.DONE)


def test_what_was_taken_when_nobody_wanted_it_is_not_held_against_anybody() -> None:
    there = level(1, queues=2)
    there.ask(*(Asker(seconds=5) for _ in range(3)))
    while there.step():
        pass
    early, late = Asker(), Asker(flow=1)
    there.ask(Asker(flow=1), early, late)
    there.step()
    assert early.state is State.RUNNING


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from((0.01, 0.1, 1.0))), max_size=60),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_seats_are_never_too_many_and_never_idle(
    requests: list[tuple[int, int, float]], limit: int, at_once: int
) -> None:
    there = level(limit, queues=4, hand=2, length=5)
    for index, request in enumerate(requests):
        there.ask(Asker(*request))
        if index % at_once == 0:
            there.step()
        queues = there.queues
        running = [asker for asker in there.asked if asker.state is State.RUNNING]
        waiting = [asker for asker in there.asked if asker.state is State.WAITING]
        assert (queues.running, queues.waiting) == (len(running), len(waiting))
        assert queues.taken == sum(a.seats for a in running)
        assert queues.taken <= limit or len(running) == 1
        assert not waiting or running
    while there.step():
        pass
    assert {asker.state for asker in there.asked} <= {State.DONE, State.REFUSED}
    assert (there.queues.taken, there.queues.waiting, there.queues.wanted) == (0, 0, 0)
