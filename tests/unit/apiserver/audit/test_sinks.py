"""What is promised of events by when."""

from __future__ import annotations

import asyncio

from knarr.apiserver.audit.sinks import Batch, Blocking, Buffered
from knarr.apiserver.audit.truncating import Truncating, Truncation
from knarr.machinery.clock import VirtualClock
from tests.unit.apiserver.audit.builders import Counted, Remembering, event


async def test_blocking_waits_for_the_backend() -> None:
    backend = Remembering()
    assert await Blocking(backend).take(event("a"))
    assert backend.batches == [["a"]]


async def test_blocking_goes_on_when_the_backend_fails_unless_strict() -> None:
    backend = Remembering(works=False)
    assert await Blocking(backend).take(event())
    assert not await Blocking(backend, strict=True).take(event())


async def test_a_batch_goes_when_it_is_full() -> None:
    backend, clock = Remembering(), VirtualClock()
    sink = Buffered(backend, Batch(most=2, wait=30), clock, Counted())
    for name in "abc":
        sink.take(event(name))
    await clock.advance(1)
    assert backend.batches == [["a", "b"]]
    await sink.close(1)
    assert backend.batches == [["a", "b"], ["c"]]
    assert backend.closed


async def test_a_batch_goes_when_its_time_has_come() -> None:
    backend, clock = Remembering(), VirtualClock()
    sink = Buffered(backend, Batch(most=10, wait=30), clock, Counted())
    sink.take(event("a"))
    await clock.advance(20)
    sink.take(event("b"))
    await clock.advance(9)
    assert backend.batches == []
    await clock.advance(1)
    assert backend.batches == [["a", "b"]]
    await sink.close(1)


async def test_what_the_buffer_cannot_hold_is_lost_and_counted() -> None:
    backend, clock, failures = Remembering(), VirtualClock(), Counted()
    sink = Buffered(backend, Batch(buffer=2, most=10), clock, failures)
    for name in "abcd":
        sink.take(event(name))
    assert failures.of("buffered") == 2
    await sink.close(1)
    assert backend.batches == [["a", "b"]]
    sink.take(event("e"))
    assert failures.of("buffered") == 3


async def test_what_cannot_be_delivered_at_the_end_is_counted() -> None:
    backend, clock, failures = Remembering(held=asyncio.Event()), VirtualClock(), Counted()
    sink = Buffered(backend, Batch(most=1), clock, failures)
    for name in "abc":
        sink.take(event(name))
    await clock.advance(1)
    await sink.close(0)
    assert (backend.batches, failures.of("buffered")) == ([], 3)


async def test_batches_are_throttled() -> None:
    backend, clock = Remembering(), VirtualClock()
    sink = Buffered(backend, Batch(most=1, rate=0.5, burst=2), clock, Counted())
    for name in "abcd":
        sink.take(event(name))
    await clock.advance(1)
    assert backend.batches == [["a"], ["b"]]
    await clock.advance(1)
    assert backend.batches == [["a"], ["b"], ["c"]]
    await clock.advance(2)
    assert backend.batches == [["a"], ["b"], ["c"], ["d"]]
    await sink.close(1)


async def test_batches_go_together_where_they_may() -> None:
    backend, clock = Remembering(held=asyncio.Event()), VirtualClock()
    sink = Buffered(backend, Batch(most=1, together=True), clock, Counted())
    sink.take(event("a"))
    await clock.advance(1)
    sink.take(event("b"))
    await clock.advance(1)
    assert backend.held
    backend.held.set()
    await clock.advance(0)
    assert backend.batches == [["a"], ["b"]]
    await sink.close(1)


async def test_large_events_go_without_their_objects() -> None:
    backend, failures = Remembering(), Counted()
    truncating = Truncating(backend, Truncation(event=1000, batch=10_000), failures)
    assert await truncating.deliver([event("a", "Request", 2000), event("b"), event("c" * 2000)])
    assert backend.batches == [["a", "b"]]
    assert failures.of("truncate") == 1


async def test_large_batches_are_divided() -> None:
    backend, size = Remembering(), len(event("a"))
    truncating = Truncating(backend, Truncation(event=1000, batch=2 * size), Counted())
    assert await truncating.deliver([event(name) for name in "abcde"])
    assert backend.batches == [["a", "b"], ["c", "d"], ["e"]]
