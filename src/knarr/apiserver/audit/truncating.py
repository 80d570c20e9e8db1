"""Events cut to a size that a back-end can take, and batches divided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knarr.apiserver.audit.events import has_objects, shortened
from knarr.apiserver.audit.sinks import Backend, Failures


@dataclass(frozen=True, slots=True)
class Truncation:
    """The largest event, and the largest batch, in bytes."""

    event: int = 100 * 1024
    batch: int = 10 * 1024 * 1024


class Truncating:
    """Before a back-end: what is too large goes without its objects, or not at all."""

    def __init__(self, backend: Backend, limits: Truncation, failures: Failures) -> None:
        self._backend, self._limits, self._failures = backend, limits, failures

    async def deliver(self, events: Sequence[bytes]) -> bool:
        fitting = [*self._fitting(events)]
        return all([await self._backend.deliver(batch) for batch in self._divided(fitting)])

    async def close(self) -> None:
        await self._backend.close()

    def _fitting(self, events: Iterable[bytes]) -> Iterator[bytes]:
        for event in events:
            if len(event) > self._limits.event and has_objects(event):
                event = shortened(event)
            if len(event) <= self._limits.event:
                yield event
            else:
                self._failures.count("truncate", "event is too large even after truncating", 1)

    def _divided(self, events: Iterable[bytes]) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        size = 0
        for event in events:
            if batch and size + len(event) > self._limits.batch:
                yield batch
                batch, size = [], 0
            batch.append(event)
            size += len(event)
        if batch:
            yield batch
