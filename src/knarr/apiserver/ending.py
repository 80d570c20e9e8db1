"""Answers that go on, and who wants to hear when they are over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from knarr.wire.messages import Answer, Duplex, Sink, Streaming, Upgrade


def told_of_its_end(answer: Streaming | Upgrade, ended: Callable[[], None]) -> Answer:
    """An answer that goes on, with somebody who wants to hear when it is over."""
    if isinstance(answer, Upgrade):

        async def own(duplex: Duplex) -> None:
            try:
                await answer.start(duplex)
            finally:
                ended()

        return replace(answer, start=own)

    def start(sink: Sink) -> Awaitable[None] | None:
        sink.on_close(ended)
        return answer.start(sink)

    return replace(answer, start=start)
