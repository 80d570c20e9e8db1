"""Telling users what happens to objects: the event recorder, correlating as upstream's does (client-go, tools/record).

    the same again              the event's count and lastTimestamp are patched
    ten of a kind in 10 min     further ones become one "(combined from similar events): ..."
    a flood about one object    a burst of 25, then one in five minutes; the rest is dropped

`event()` never waits and never fails: sending happens in the background, and what does not fit its queue is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from knarr.client.client import Client
from knarr.client.objects import JSON, Object
from knarr.client.resources import EVENTS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Forbidden, NotFound, is_terminating
from knarr.machinery.latest import Latest
from knarr.machinery.times import format_time
from knarr.runtime.quiescence import Quiescence

log = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]

CACHE = 4096  # objects, kinds of event and events that are remembered, each
QUEUE = 1000  # events that may wait to be sent
SIMILAR, SIMILAR_INTERVAL = 10, 600.0  # different messages of a kind, in so many seconds, and they are combined
BURST, REFILL = 25, 300.0  # tokens of one object, and the seconds that earn another
ATTEMPTS, RETRY_DELAY = 12, 10.0  # to send one, and the seconds between


@dataclass(slots=True)
class _Bucket:
    tokens: float = BURST
    filled: float = 0.0

    def take(self, now: float) -> bool:
        self.tokens = min(BURST, self.tokens + (now - self.filled) / REFILL)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Series:
    """One Event object in the cluster, as last told."""

    name: str = ""
    count: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    reference: tuple[tuple[str, str], ...]
    type: EventType
    reason: str
    message: str
    at: datetime


def reference_to(obj: Object) -> JSON:
    """The ObjectReference by which events name their object."""
    meta = obj.metadata
    reference = {
        "kind": obj.kind,
        "namespace": meta.namespace,
        "name": meta.name,
        "uid": meta.uid,
        "apiVersion": obj.api_version,
        "resourceVersion": meta.resource_version,
    }
    return {name: value for name, value in reference.items() if value}


def _gravity(refusal: APIError) -> int:
    """Of no right, or a quota, somebody should hear; that a namespace goes away is nobody's fault."""
    return logging.WARNING if isinstance(refusal, Forbidden) and not is_terminating(refusal) else logging.DEBUG


class EventRecorder:
    """Records events as `component` on `host`."""

    def __init__(
        self, client: Client, clock: Clock, component: str, host: str = "", quiescence: Quiescence | None = None
    ) -> None:
        self._client, self._clock, self._component, self._host = client, clock, component, host
        self._quiescence = quiescence or Quiescence()
        self._buckets: Latest[str, _Bucket] = Latest(CACHE)
        self._similar: Latest[tuple[Any, ...], _Similar] = Latest(CACHE)
        self._series: Latest[tuple[Any, ...], _Series] = Latest(CACHE)
        self._waiting: deque[_Told] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._last_name = 0

    def event(self, about: Object | JSON, type: EventType, reason: str, message: str) -> None:
        """Record that `reason` happened to an object (or to what an ObjectReference names)."""
        if len(self._waiting) >= QUEUE:
            log.debug("event dropped, the queue is full: %s %s", reason, message)
            return
        reference = reference_to(about) if isinstance(about, Object) else about
        self._waiting.append(_Told(tuple(sorted(reference.items())), type, reason, message, self._clock.now()))
        self._quiescence.begin()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    async def flush(self) -> None:
        """Wait until everything recorded so far is sent or given up."""
        if self._sender:
            await asyncio.wait([self._sender])

    async def close(self) -> None:
        """Stop sending; what waits is lost."""
        if self._sender:
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._correlate(self._waiting[0])
                self._waiting.popleft()
                self._quiescence.end()
        finally:
            self._quiescence.end(len(self._waiting))
            self._waiting.clear()

    async def _correlate(self, told: _Told) -> None:
        """Filter, combine, count; then write."""
        about = dict(told.reference)
        who = tuple(about.get(k, "") for k in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath"))
        now = self._clock.monotonic()
        if not self._buckets.of("/".join(who), _Bucket).take(now):
            return
        kind_of_event = (*who, told.type, told.reason)
        similar = self._similar.of(kind_of_event, _Similar)
        if now - similar.last > SIMILAR_INTERVAL:
            similar.messages.clear()
        similar.last = now
        similar.messages.add(told.message)
        if combined := len(similar.messages) >= SIMILAR:
            similar.messages.pop()  # keep the count where it is, and the set small
        message = f"(combined from similar events): {told.message}" if combined else told.message
        series = self._series.of(kind_of_event if combined else (*kind_of_event, told.message), _Series)
        series.count += 1
        await self._deliver(told, about, message, series)

    async def _deliver(self, told: _Told, about: JSON, message: str, series: _Series) -> None:
        for _ in range(ATTEMPTS):
            try:
                await self._write(told, about, message, series)
            except (ConnectionError, TimeoutError):
                await self._clock.sleep(RETRY_DELAY)
            except APIError as error:
                log.log(_gravity(error), "event refused: %s: %s", told.reason, error)
                return
            else:
                return

    async def _write(self, told: _Told, about: JSON, message: str, series: _Series) -> None:
        namespace = about.get("namespace") or "default"
        stamp = format_time(told.at)
        if series.count > 1:
            patch = {"count": series.count, "lastTimestamp": stamp, "message": message}
            try:
                await self._client.patch(EVENTS, series.name, patch, namespace, kind="strategic")
            except NotFound:  # expired: the series goes on under a new name
                pass
            else:
                return
        series.name, series.first = self._name(told.at, str(about.get("name", ""))), series.first or stamp
        body = self._body(told, about, message, series, stamp)
        await self._client.create(
            EVENTS, {"metadata": {"name": series.name, "namespace": namespace}, **body}, namespace
        )

    def _body(self, told: _Told, about: JSON, message: str, series: _Series, stamp: str) -> JSON:
        return {
            "involvedObject": about,
            "reason": told.reason,
            "message": message,
            "source": {"component": self._component, **({"host": self._host} if self._host else {})},
            "firstTimestamp": series.first,
            "lastTimestamp": stamp,
            "count": series.count,
            "type": told.type,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _name(self, at: datetime, about: str) -> str:
        """`<object>.<nanoseconds in hex>`, as upstream names events; never the same twice."""
        self._last_name = max(int(at.timestamp() * 1_000_000) * 1000, self._last_name + 1)
        return f"{about}.{self._last_name:x}"
