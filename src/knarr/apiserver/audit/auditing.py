"""The requests of a server, recorded as its policy says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from knarr.apiserver.answers import plain_answer
from knarr.apiserver.audit.events import Event, ObjectReference, UserInfo, encode
from knarr.apiserver.audit.levels import COMPLETE, NAMES, PANIC, RECEIVED, STARTED, Level
from knarr.apiserver.audit.matching import Matcher
from knarr.apiserver.audit.outcomes import describe, lasts, told_status
from knarr.apiserver.audit.sinks import Sink
from knarr.apiserver.audit.sources import source_addresses, user_agent
from knarr.apiserver.audit.trails import Trail, current, follow, forget
from knarr.apiserver.authn.users import User
from knarr.apiserver.ending import told_of_its_end
from knarr.apiserver.info import RequestInfo, parse
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.access import AUDITED, LEVELS, UNAUDITED
from knarr.apiserver.request import audit_id, identified, uri
from knarr.machinery.clock import Clock
from knarr.machinery.times import format_micro
from knarr.wire.messages import Answer, Pieced, Request, Response

SLOW = 0.5  # seconds; what takes longer is said to
_NOBODY = User("")
_CUT = {"status": "Success", "message": "Connection closed early"}

Serve = Callable[[Request, User], Awaitable[Answer]]


class Audit:
    """Stands around the serving of each request. It is closed when nothing is served any more."""

    def __init__(self, matcher: Matcher, sinks: Sequence[Sink], clock: Clock, metrics: Metrics) -> None:
        self._matcher, self._sinks, self._clock = matcher, sinks, clock
        self._events, self._rejected = metrics.count(AUDITED), metrics.count(UNAUDITED)
        self._levels = {level: metrics.count(LEVELS, (name,)) for level, name in NAMES.items()}
        self._ends: set[asyncio.Future[bool]] = set()

    def receive(self, request: Request) -> Request:
        """The request, which has just come, with a name; what is said in this context from now on is said of it."""
        follow(Trail(self._clock.now()))
        return identified(request)

    async def around(self, request: Request, user: User, address: str, serve: Serve) -> Answer:
        """What `serve` answers, recorded; `address` is the peer's."""
        info = parse(request.method, request.path, request.query)
        trail = current()
        if trail is None or trail.served:
            trail, request = Trail(self._clock.now()), identified(request)
        trail.served = True
        token = follow(trail)
        try:
            if not self._begin(trail, request, user, info, address):
                return await serve(request, user)
            if not await self._tell(trail, RECEIVED):
                self._rejected.n += 1
                return _unrecorded(request)
            return await self._served(trail, info, serve(request, user))
        finally:
            forget(token)

    async def refuse(self, request: Request, address: str, answer: Response) -> None:
        """Record who is not believed: the refusal alone."""
        info, trail = parse(request.method, request.path, request.query), current()
        if trail is None or not self._begin(trail, request, _NOBODY, info, address):
            return
        await describe(trail, info, answer)
        await self._tell(trail, STARTED)
        trail.event = None

    async def close(self, grace: float) -> None:
        """Have everything delivered, within so many real seconds."""
        if self._ends:
            await asyncio.wait(self._ends, timeout=grace)
        await asyncio.gather(*(sink.close(grace) for sink in self._sinks))

    def _begin(self, trail: Trail, request: Request, user: User, info: RequestInfo, address: str) -> bool:
        """Whether there is anything to record; the event, from what is known so far."""
        trail.decision = self._matcher.decide(user, info)
        self._levels[trail.decision.level].n += 1
        if trail.decision.level is Level.NONE:
            return False
        headers = request.headers
        trail.event = Event(
            level=NAMES[trail.decision.level],
            audit_id=headers["audit-id"],
            stage="",
            request_uri=uri(request),
            verb=info.verb,
            user=UserInfo.of(user),
            source_ips=source_addresses(headers, address),
            user_agent=user_agent(headers),
            object_ref=_reference(info) if info.is_resource else None,
            request_received_timestamp=format_micro(trail.received),
            annotations=trail.annotations,
        )
        return True

    async def _served(self, trail: Trail, info: RequestInfo, serving: Awaitable[Answer]) -> Answer:
        try:
            answer = await serving
        except asyncio.CancelledError:  # nobody is there any more to be answered
            self._end(trail, cut=True)
            raise
        except Exception as error:
            await self._panic(trail, error)
            raise
        if trail.failure is not None:
            await self._panic(trail, trail.failure)
            return answer
        await describe(trail, info, answer)
        if lasts(info):
            await self._tell(trail, STARTED)
        if isinstance(answer, Response | Pieced):
            await self._complete(trail)
            return answer
        return told_of_its_end(answer, lambda: self._end(trail))

    async def _panic(self, trail: Trail, error: Exception) -> None:
        told = {"status": "Failure", "message": f"APIServer panic'd: {error}", "reason": "InternalError"}
        if trail.event:
            trail.event.response_status = told_status(told, 500)
        await self._tell(trail, PANIC)
        trail.event = None

    def _end(self, trail: Trail, *, cut: bool = False) -> None:
        """Somebody else has ended the request, who does not wait."""
        if cut and trail.event:
            trail.event.response_status = told_status(_CUT, 200)
        end = asyncio.ensure_future(self._complete(trail))
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)

    async def _complete(self, trail: Trail) -> bool:
        seconds = (self._clock.now() - trail.received).total_seconds()
        if seconds > SLOW:
            trail.conclude(seconds)
        going = await self._tell(trail, COMPLETE)
        trail.event = None  # the context may live on, in connections for one
        return going

    async def _tell(self, trail: Trail, stage: str) -> bool:
        """Pass the event on as it is at a stage; whether the request may go on."""
        event = trail.event
        if event is None or stage in trail.decision.omitted:
            return True
        event.stage = stage
        event.stage_timestamp = format_micro(trail.received if stage == RECEIVED else self._clock.now())
        self._events.n += 1
        data = encode(event)
        awaited = [waiting for sink in self._sinks if (waiting := sink.take(data)) is not None]
        return all([await waiting for waiting in awaited])


def _reference(info: RequestInfo) -> ObjectReference:
    return ObjectReference(
        resource=info.resource,
        namespace=info.namespace,
        name=info.name,
        group=info.group,
        version=info.version,
        subresource=info.subresource,
    )


def _unrecorded(request: Request) -> Response:
    """What must be recorded and cannot be does not happen."""
    text = f'Internal Server Error: "{uri(request)}": failed to store audit event\n'
    return plain_answer(text, 500, **{"audit-id": audit_id(request), "cache-control": "no-cache, private"})
