"""What stands between a request and its turn: its passage, the flow that it belongs to, the level's room."""

from __future__ import annotations

import asyncio
from math import inf

from knarr.apiserver.authn.users import User
from knarr.apiserver.flowcontrol.configuration import Level, Schema
from knarr.apiserver.flowcontrol.figures import Figures
from knarr.apiserver.flowcontrol.queues import Queue, Queues, State
from knarr.apiserver.flowcontrol.seats import Bounds
from knarr.apiserver.flowcontrol.sharding import hash_of
from knarr.apiserver.info import RequestInfo


class Room:
    """A priority level at work."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.bounds = Bounds(1, 1, inf)
        self.wanted = 0.0  # seats, smoothed
        self.peak = 0  # seats wanted in the last period
        self.widest = 1  # seats that one request may take
        self.queues = Queues(level.queuing, inf)


class Flow:
    """Requests of one schema that are told apart from its others; `headers` go with their answers."""

    __slots__ = ("_hash", "distinguisher", "figures", "headers", "room", "schema")

    def __init__(self, schema: Schema, room: Room, distinguisher: str, figures: Figures) -> None:
        self.schema, self.room, self.distinguisher, self.figures = schema, room, distinguisher, figures
        self._hash: int | None = None
        self.headers = {
            "x-kubernetes-pf-flowschema-uid": schema.uid,
            "x-kubernetes-pf-prioritylevel-uid": room.level.uid,
        }

    def hash(self) -> int:
        if self._hash is None:
            self._hash = hash_of(self.schema.name, self.distinguisher)
        return self._hash


class Passage:
    """One request's ticket."""

    __slots__ = ("arrived", "began", "flow", "info", "queue", "seats", "spell", "state", "turn", "user")

    def __init__(self, flow: Flow, user: User, info: RequestInfo, seats: int, now: float) -> None:
        self.flow, self.user, self.info, self.seats, self.arrived, self.began = flow, user, info, seats, now, now
        self.state, self.spell = State.NEW, 0
        self.queue: Queue | None = None
        self.turn: asyncio.Future[None] | None = None

    @property
    def runs(self) -> bool:
        return self.state is State.RUNNING

    def called(self) -> None:
        if self.turn is not None and not self.turn.done():
            self.turn.set_result(None)


def room_for(known: Room | None, level: Level) -> Room:
    """The room of a level that was there before goes on, unless its requests wait in another way now.

    What waits or runs in a room that is no longer used does so to its end.
    """
    if known is None or (known.level.queuing, known.level.exempt) != (level.queuing, level.exempt):
        return Room(level)
    known.level = level
    return known
