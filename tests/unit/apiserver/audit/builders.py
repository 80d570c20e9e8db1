"""Events, and back-ends that remember them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from knarr.apiserver.audit.events import NOTHING, Event, ObjectReference, UserInfo, encode
from knarr.apiserver.audit.sinks import ERRORS, Failures
from knarr.apiserver.metrics import Metrics


def event(name: str = "a", level: str = "Metadata", size: int = 0) -> bytes:
    """`size` bytes of it are an object that was sent."""
    return encode(
        Event(
            level=level,
            audit_id=name,
            stage="ResponseComplete",
            request_uri="/api/v1/namespaces/shop/pods",
            verb="create",
            user=UserInfo("bob", groups=("devs", 'the "others"')),
            source_ips=("10.0.0.1",),
            user_agent="kubectl",
            object_ref=ObjectReference(resource="pods", namespace="shop", version="v1"),
            response_status=msgspec.Raw(b'{"metadata":{},"code":201}'),
            request_object=msgspec.Raw(msgspec.json.encode("x" * size)) if size else NOTHING,
            request_received_timestamp="2026-01-02T03:04:05.120000Z",
            stage_timestamp="2026-01-02T03:04:05.130000Z",
        )
    )


def name_of(event: bytes) -> str:
    return str(msgspec.json.decode(event)["auditID"])


@dataclass
class Remembering:
    """A back-end; one that does not work delivers nothing."""

    batches: list[list[str]] = field(default_factory=list)
    works: bool = True
    held: asyncio.Event | None = None  # what delivering waits for
    closed: bool = False

    async def deliver(self, events: Sequence[bytes]) -> bool:
        if self.held:
            await self.held.wait()
        self.batches.append([name_of(event) for event in events])
        return self.works

    async def close(self) -> None:
        self.closed = True


class Counted(Failures):
    """Failures, and how many there were of whom."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        super().__init__(self.metrics)

    def of(self, plugin: str) -> float:
        return self.metrics.count(ERRORS, (plugin,)).n
