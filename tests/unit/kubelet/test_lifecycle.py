"""The table of a pod's life."""

from __future__ import annotations

import pytest

from knarr.kubelet.lifecycle import TABLE, Event, ImpossibleTransitionError, Instruction, Lifecycle, State


def test_a_life_from_start_to_forgotten() -> None:
    life = Lifecycle("default/web")
    events = [Event.OBSERVED, Event.DELETED, Event.STOPPED, Event.DELETED, Event.CLEANED, Event.REMOVED]
    told = [instruction for event in events for instruction in life.handle(event)]
    assert told == [
        Instruction.SYNC,
        Instruction.STOP,
        Instruction.REPORT,
        Instruction.CLEAN,
        Instruction.CONFIRM,
        Instruction.FORGET,
    ]
    assert life.state is State.GONE


def test_what_cannot_be_raises_with_the_history() -> None:
    life = Lifecycle("default/web")
    life.handle(Event.OBSERVED)
    with pytest.raises(ImpossibleTransitionError, match=r"^pod default/web: SYNCING\+STOPPED after SYNCING\+OBSERVED$"):
        life.handle(Event.STOPPED)


@pytest.mark.parametrize("state", [state for state in State if state is not State.GONE])
def test_the_api_and_the_node_may_be_seen_at_any_time(state: State) -> None:
    assert {(state, event) for event in (Event.OBSERVED, Event.DELETED, Event.REMOVED)} <= TABLE.keys()


def test_every_state_can_end() -> None:
    ways = {state: {to for (origin, _), (to, _) in TABLE.items() if origin is state} for state in State}
    reached = {State.GONE}
    while more := {state for state in State if ways[state] & reached} - reached:
        reached |= more
    assert reached == set(State)
