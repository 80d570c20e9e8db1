"""Every request's way in: sorted, given seats or made to wait, counted.

A request holds its seats until it is answered, or, for a watch, until it has begun. What goes on for long otherwise
(exec, logs, proxies) needs none, as upstream. An event loop runs one thing at a time, but what waits for the store, for
webhooks or other servers is in flight, and a level's seats bound how much of that there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from math import ceil

from knarr.api.flows import CATCH_ALL, GROUP, PLURAL, mandatory
from knarr.apiserver.audit.trails import spent
from knarr.apiserver.authn.users import User
from knarr.apiserver.flowcontrol.configuration import Schema, read_level, read_schema
from knarr.apiserver.flowcontrol.figures import WIDEST, Figures, tell
from knarr.apiserver.flowcontrol.passages import Flow, Passage, Room, room_for
from knarr.apiserver.flowcontrol.queues import State
from knarr.apiserver.flowcontrol.seats import PERIOD, bounds_of, claim_of, divide, smoothed, whole
from knarr.apiserver.flowcontrol.sorting import distinguisher, in_order, matches
from knarr.apiserver.info import LONG_RUNNING, RequestInfo
from knarr.apiserver.registry import Registry, prefix_of
from knarr.machinery.clock import Clock
from knarr.machinery.remembering import Bounded
from knarr.wire.messages import Request

SCHEMAS, LEVELS = PLURAL["FlowSchema"], PLURAL["PriorityLevelConfiguration"]
PATIENCE = 15.0  # real seconds that a request waits at most: a quarter of what it may take in all
_OBJECTS_PER_SEAT, _SHARE = 100, 0.15  # of a list: by what it reads, and of its level's seats
_REMEMBERED = 4096  # sorts of requests
_LONG = 1000  # characters of a user's name

_Key = tuple[str, tuple[str, ...], str, str, str, str, str, str]


class FlowControl:
    """See the module's docstring. It follows the configuration in the watch cache, from the first request on."""

    def __init__(self, registry: Registry) -> None:
        self.rooms: dict[str, Room] = {}
        self.waiting: set[Passage] = set()
        self._registry = registry
        self._clock: Clock = registry.clock
        self._schemas: list[Schema] = []
        self._catch_all: Schema
        self._flows: Bounded[_Key, Flow] = Bounded(_REMEMBERED)
        self._figures: dict[tuple[str, str], Figures] = {}
        self._stale, self._follows, self._due = True, False, 0.0
        tell(registry.metrics, self._figures, self._seats)

    def enter(self, user: User, info: RequestInfo, request: Request, now: float) -> Passage | None:
        """Have a request run, wait for its `turn`, or be refused; None for what needs no seat."""
        if info.subresource in LONG_RUNNING:
            return None
        if self._stale:
            self._configure(now)
        if now >= self._due:
            self._measure(now)
        path = "" if info.is_resource else info.path
        key = (user.name, user.groups, info.verb, info.group, info.resource, info.subresource, info.namespace, path)
        flow = self._flows.get(key) or self._sort(key, user, info)
        seats = self._width(flow.room, info, request) if info.verb == "list" else 1
        flow.figures.widths[seats] += 1
        passage = Passage(flow, user, info, seats, now)
        flow.room.queues.arrive(passage, flow.hash, now)
        if passage.runs:
            self._began(flow.figures, seats, 0.0)
        elif passage.state is State.REFUSED:
            self._refused(flow, "concurrency-limit" if flow.room.level.queuing is None else "queue-full")
        return passage

    async def turn(self, passage: Passage) -> bool:
        """Wait until a request may run; False if it may not."""
        if passage.state is not State.WAITING:
            return passage.runs
        flow, queues = passage.flow, passage.flow.room.queues
        passage.turn = asyncio.get_running_loop().create_future()
        self.waiting.add(passage)
        flow.figures.waiting += 1
        flow.figures.waiting_seats += passage.seats
        try:
            async with asyncio.timeout(PATIENCE):
                await passage.turn
        except TimeoutError:
            queues.abandon(passage, self._clock.monotonic())
        except asyncio.CancelledError:
            flow.figures.cancelled += 1
            queues.abandon(passage, self._clock.monotonic())
            if passage.runs:
                queues.finish(passage, self._clock.monotonic())
            raise
        finally:
            self.waiting.discard(passage)
            flow.figures.waiting -= 1
            flow.figures.waiting_seats -= passage.seats
        if not passage.runs:  # else its turn came at the last moment
            self._refused(flow, "time-out")
            return False
        waited = passage.began - passage.arrived
        self._began(flow.figures, passage.seats, waited)
        spent("apf-queue-wait", waited)
        return True

    def leave(self, passage: Passage, now: float) -> None:
        """A request that ran is answered."""
        figures = passage.flow.figures
        figures.running -= 1
        figures.seats -= passage.seats
        figures.seconds.observe(now - passage.began)
        passage.flow.room.queues.finish(passage, now)

    def figures_of(self, level: str) -> list[Figures]:
        """What has been counted of a level's schemas."""
        return [figures for (_, name), figures in self._figures.items() if name == level]

    def _began(self, figures: Figures, seats: int, waited: float) -> None:
        figures.dispatched += 1
        figures.running += 1
        figures.seats += seats
        figures.waited.observe(waited)

    def _refused(self, flow: Flow, reason: str) -> None:
        rejected = flow.figures.rejected
        rejected[reason] = rejected.get(reason, 0) + 1

    def _width(self, room: Room, info: RequestInfo, request: Request) -> int:
        """The seats of a list: one for each hundred objects that it reads."""
        kind = self._registry.find(info.group, info.resource)
        if kind is None or info.name:
            return 1
        number = self._registry.cache.count(prefix_of(kind, info.namespace))
        if number > _OBJECTS_PER_SEAT and "limit=" in request.query:
            limit = (request.parameters().get("limit") or [""])[0]
            number = min(number, int(limit)) if limit.isdecimal() and int(limit) else number
        return max(1, min(ceil(number / _OBJECTS_PER_SEAT), WIDEST, room.widest))

    def _sort(self, key: _Key, user: User, info: RequestInfo) -> Flow:
        rest = self._catch_all  # who is in no group, belongs there too
        schema = next((schema for schema in self._schemas if matches(schema, user, info)), rest)
        figures = self._figures.setdefault((schema.name, schema.level), Figures())
        flow = Flow(schema, self.rooms[schema.level], distinguisher(schema, user, info), figures)
        return self._flows.keep(key, flow) if info.is_short and len(user.name) < _LONG else flow

    def _follow(self) -> None:
        registry, self._follows = self._registry, True
        for plural in (SCHEMAS, LEVELS):
            if kind := registry.find(GROUP, plural):
                registry.cache.follow(prefix_of(kind), lambda changes: self._mark(), self._mark)

    def _mark(self) -> None:
        self._stale = True

    def _configure(self, now: float) -> None:
        """Read what is stored; what must be there is, whether it is stored or not."""
        if not self._follows:
            self._follow()
        self._stale = False
        default_schemas, default_levels = mandatory()
        levels = {level.name: level for level in map(read_level, [*default_levels, *self._stored(LEVELS)])}
        schemas = {schema.name: schema for schema in map(read_schema, [*default_schemas, *self._stored(SCHEMAS)])}
        self._schemas = in_order(schema for schema in schemas.values() if schema.level in levels)
        self._catch_all = schemas[CATCH_ALL]
        known = self.rooms
        self.rooms = {name: room_for(known.get(name), level) for name, level in levels.items()}
        self._flows.clear()
        limits = bounds_of(levels.values(), self._registry.options.seats)
        for name, room in self.rooms.items():
            room.bounds = limits[name]
            room.widest = max(1, ceil(_SHARE * limits[name].nominal))
            if known.get(name) is not room:
                room.wanted = limits[name].nominal
        self._due = self._due or now + PERIOD
        self._divide(now)

    def _stored(self, plural: str) -> Iterator[dict[str, object]]:
        return self._registry.list(GROUP, plural)

    def _measure(self, now: float) -> None:
        """A period is over: what was wanted in it decides about the next. Without requests nobody asks."""
        self._due = now + PERIOD
        for room in self.rooms.values():
            room.peak = room.queues.peak()
            room.wanted = smoothed(room.wanted, room.peak)
        self._divide(now)

    def _divide(self, now: float) -> None:
        """Give the seats to the levels."""
        rooms = {name: room for name, room in self.rooms.items() if not room.level.exempt}
        claims = [claim_of(room.bounds, room.peak, room.wanted) for room in rooms.values()]
        shares = divide(claims, self._registry.options.seats)
        for name, seats in whole(dict(zip(rooms, shares, strict=True))).items():
            rooms[name].queues.resize(seats, now)

    def _seats(self) -> Mapping[str, tuple[float, float, float, float, float, float]]:
        return {
            name: (
                room.bounds.nominal,
                room.bounds.lower,
                room.bounds.upper,
                room.bounds.nominal if room.level.exempt else room.queues.limit,
                room.peak,
                room.wanted,
            )
            for name, room in self.rooms.items()
        }
