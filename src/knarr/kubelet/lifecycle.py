"""The life of a pod on a node, as a table: where it is and what happens give where it goes and what to do.

    SYNCING      its containers are to run: each observation is compared with the spec (plan.py)
    TERMINATING  its containers are being stopped: it was deleted, ended, or is gone from the API
    TERMINATED   nothing of it runs; its logs and its containers' records stay for whoever asks
    CLEANING     what it holds on the node is being given back
    CLEANED      nothing of it is on the node; the API may not have forgotten it yet
    GONE         neither node nor API has it

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto


class State(Enum):
    SYNCING = auto()
    TERMINATING = auto()
    TERMINATED = auto()
    CLEANING = auto()
    CLEANED = auto()
    GONE = auto()


class Event(Enum):
    OBSERVED = auto()  # the spec, the runtime or a probe may have changed
    ENDED = auto()  # it ran to its end, or past its deadline
    DELETED = auto()  # it has a deletion timestamp
    REMOVED = auto()  # the API has it no longer
    STOPPED = auto()  # the last container is gone, its network too
    CLEANED = auto()  # volumes, cgroup and files are gone


class Instruction(Enum):
    SYNC = auto()  # take the next step towards the spec
    STOP = auto()  # stop all containers, in the pod's grace
    HASTEN = auto()  # stop again if the grace has become shorter
    REPORT = auto()  # publish the last status
    CLEAN = auto()  # give back all that the pod holds on the node
    CONFIRM = auto()  # tell the API that it may forget the pod
    FORGET = auto()  # drop the worker


TABLE: dict[tuple[State, Event], tuple[State, tuple[Instruction, ...]]] = {
    (State.SYNCING, Event.OBSERVED): (State.SYNCING, (Instruction.SYNC,)),
    (State.SYNCING, Event.ENDED): (State.TERMINATING, (Instruction.STOP,)),
    (State.SYNCING, Event.DELETED): (State.TERMINATING, (Instruction.STOP,)),
    (State.SYNCING, Event.REMOVED): (State.TERMINATING, (Instruction.STOP,)),
    (State.TERMINATING, Event.OBSERVED): (State.TERMINATING, (Instruction.REPORT,)),
    (State.TERMINATING, Event.DELETED): (State.TERMINATING, (Instruction.HASTEN, Instruction.REPORT)),
    (State.TERMINATING, Event.REMOVED): (State.TERMINATING, (Instruction.HASTEN,)),
    (State.TERMINATING, Event.STOPPED): (State.TERMINATED, (Instruction.REPORT,)),
    (State.TERMINATED, Event.OBSERVED): (State.TERMINATED, ()),
    (State.TERMINATED, Event.DELETED): (State.CLEANING, (Instruction.CLEAN,)),
    (State.TERMINATED, Event.REMOVED): (State.CLEANING, (Instruction.CLEAN,)),
    (State.CLEANING, Event.OBSERVED): (State.CLEANING, ()),
    (State.CLEANING, Event.DELETED): (State.CLEANING, ()),
    (State.CLEANING, Event.REMOVED): (State.CLEANING, ()),
    (State.CLEANING, Event.CLEANED): (State.CLEANED, (Instruction.CONFIRM,)),
    (State.CLEANED, Event.OBSERVED): (State.CLEANED, ()),
    (State.CLEANED, Event.DELETED): (State.CLEANED, ()),
    (State.CLEANED, Event.REMOVED): (State.GONE, (Instruction.FORGET,)),
}
HISTORY = 16  # transitions told when an impossible one is tried


class ImpossibleTransitionError(Exception):
    """A fault of Knarr's own: an event where the table has none."""


class Lifecycle:
    """Where one pod is, and how it came there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.SYNCING
        self.history: deque[tuple[State, Event]] = deque(maxlen=HISTORY)

    def handle(self, event: Event) -> tuple[Instruction, ...]:
        """Move, and say what is to be done now."""
        if (self.state, event) not in TABLE:
            path = " ".join(f"{state.name}+{happened.name}" for state, happened in self.history)
            raise ImpossibleTransitionError(
                f"pod {self.name}: {self.state.name}+{event.name} after {path or 'nothing'}"
            )
        self.history.append((self.state, event))
        self.state, instructions = TABLE[self.state, event]
        return instructions
