"""The stages of requests, however they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from knarr.apiserver.audit import trails
from knarr.apiserver.audit.auditing import Audit
from knarr.apiserver.audit.matching import Matcher
from knarr.apiserver.audit.policies import Policy, Rule
from knarr.apiserver.authn.users import User
from knarr.apiserver.metrics import Metrics
from knarr.machinery.clock import VirtualClock
from knarr.wire.messages import Answer, Request, Response, Sink, Streaming

JSON = dict[str, Any]
BOB = User("bob")
GET, WATCH = Request("GET", "/api/v1/pods"), Request("GET", "/api/v1/pods", "watch=1")
FINE = Response(200)


@dataclass
class Kept:
    """A sink that keeps events; `stored` is what it promises of them, None promises nothing."""

    events: list[JSON] = field(default_factory=list)
    stored: bool | None = None

    def take(self, event: bytes) -> Awaitable[bool] | None:
        self.events.append(json.loads(event))
        return None if self.stored is None else self._stored(self.stored)

    async def close(self, grace: float) -> None: ...

    async def _stored(self, stored: bool) -> bool:
        return stored

    def stages(self) -> list[tuple[str, int]]:
        """With the status known by then."""
        return [(event["stage"], event.get("responseStatus", {}).get("code", 0)) for event in self.events]


@dataclass
class Open:
    """A stream's sink that somebody closes."""

    callbacks: list[Callable[[], None]] = field(default_factory=list)

    def on_close(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


def audit(kept: Kept, clock: VirtualClock | None = None, level: str = "Metadata", *omitted: str) -> Audit:
    policy = Policy(rules=(Rule(level=level, omit_stages=omitted),))
    return Audit(Matcher(policy), [kept], clock or VirtualClock(), Metrics())


def answering(answer: Answer) -> Callable[[Request, User], Awaitable[Answer]]:
    async def serve(request: Request, user: User) -> Answer:
        return answer

    return serve


async def test_a_whole_answer() -> None:
    kept = Kept()
    assert await audit(kept).around(GET, BOB, "1.2.3.4", answering(FINE)) is FINE
    assert kept.stages() == [("RequestReceived", 0), ("ResponseComplete", 200)]


async def test_stages_that_are_omitted() -> None:
    kept = Kept()
    await audit(kept, None, "Metadata", "RequestReceived").around(GET, BOB, "", answering(FINE))
    assert kept.stages() == [("ResponseComplete", 200)]


async def test_requests_that_are_not_recorded() -> None:
    kept = Kept()
    await audit(kept, None, "None").around(GET, BOB, "", answering(FINE))
    assert kept.events == []


async def test_an_answer_that_goes_on() -> None:
    kept, clock, sink = Kept(), VirtualClock(), Open()

    def start(sink: Sink) -> None: ...

    answer = await audit(kept, clock).around(WATCH, BOB, "", answering(Streaming(start)))
    assert isinstance(answer, Streaming)
    answer.start(sink)  # type: ignore[arg-type]
    assert kept.stages() == [("RequestReceived", 0), ("ResponseStarted", 200)]
    await clock.advance(90)
    sink.callbacks[0]()
    await asyncio.sleep(0)
    assert kept.stages()[2:] == [("ResponseComplete", 200)]
    assert kept.events[2]["annotations"] == {"apiserver.latency.k8s.io/total": "1m30s"}


async def test_a_request_that_nobody_waits_for_any_more() -> None:
    kept, begun = Kept(), asyncio.Event()

    async def forever(request: Request, user: User) -> Answer:
        begun.set()
        await asyncio.Event().wait()
        return FINE

    serving = asyncio.create_task(audit(kept).around(GET, BOB, "", forever))
    await begun.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await asyncio.sleep(0)
    told = {"metadata": {}, "status": "Success", "message": "Connection closed early", "code": 200}
    assert (kept.events[1]["stage"], kept.events[1]["responseStatus"]) == ("ResponseComplete", told)


async def test_what_nobody_catches() -> None:
    kept = Kept()

    async def broken(request: Request, user: User) -> Answer:
        raise RuntimeError("oh")

    with pytest.raises(RuntimeError):
        await audit(kept).around(GET, BOB, "", broken)
    assert kept.stages() == [("RequestReceived", 0), ("Panic", 500)]


async def test_what_cannot_be_stored_does_not_happen() -> None:
    kept = Kept(stored=False)
    answer = await audit(kept).around(GET, BOB, "", answering(FINE))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body.split(b": ")[-1]) == (500, b"failed to store audit event\n")
    assert kept.stages() == [("RequestReceived", 0)]


async def test_what_is_said_before_anybody_knows_the_user() -> None:
    kept = Kept()
    whole = audit(kept)
    request = whole.receive(GET)
    trails.annotate("authentication.k8s.io/legacy-token", "yes")
    await whole.around(request, BOB, "", answering(FINE))
    await whole.around(GET, BOB, "", answering(FINE))  # another one, in the same context
    said = [event.get("annotations") for event in kept.events if event["stage"] == "ResponseComplete"]
    assert said == [{"authentication.k8s.io/legacy-token": "yes"}, None]


async def test_requests_within_requests_have_trails_of_their_own() -> None:
    kept = Kept()
    whole = audit(kept)

    async def asking(request: Request, user: User) -> Answer:
        await whole.around(WATCH, User("inner"), "", answering(FINE))
        trails.annotate("a", "outer")
        return FINE

    await whole.around(GET, BOB, "", asking)
    said = [(event["user"]["username"], event.get("annotations")) for event in kept.events[-2:]]
    assert said == [("inner", None), ("bob", {"a": "outer"})]
    assert trails.current() is None
