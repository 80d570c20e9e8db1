"""Two raw streams, joined: what one end says the other hears."""

from __future__ import annotations

import asyncio

from knarr.wire.messages import Duplex


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
