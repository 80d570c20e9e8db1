"""Two raw streams, joined: what one end says the other hears."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from knarr.wire.messages import Answer, Duplex, Response, Transport, Upgrade


async def switched(
    response: Response, far: Duplex | None, passed: Mapping[str, str], transport: Transport | None = None
) -> Answer:
    """A backend's answer to an upgrade as ours, with these of its header fields: both ends are joined, or its refusal
    stays one. Its transport, where given, is closed afterwards.
    """
    if far is None:
        if transport:
            await transport.close()
        return Response(response.status, passed, response.body)

    async def start(near: Duplex) -> None:
        try:
            await join(near, far)
        finally:
            if transport:
                await transport.close()

    return Upgrade(start, passed)


class Source:
    """What only speaks, as a `Duplex` that hears nothing; `following` gives its next bytes, none at the end."""

    def __init__(self, following: Callable[[], Awaitable[bytes]], leave: Callable[[], Awaitable[None]]) -> None:
        self._following, self._leave = following, leave

    async def read(self) -> bytes:
        return await self._following()

    async def write(self, data: bytes) -> None:
        pass

    async def close(self) -> None:
        await self._leave()


async def join(near: Duplex, far: Duplex) -> None:
    """Carry bytes both ways until either side ends; then both are closed."""
    pumps = [asyncio.ensure_future(_pump(near, far)), asyncio.ensure_future(_pump(far, near))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await near.close()
        await far.close()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: Duplex, target: Duplex) -> None:
    while data := await source.read():
        await target.write(data)
