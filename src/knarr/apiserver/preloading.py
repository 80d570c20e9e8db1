"""What expressions need, loaded before the first of them comes: the definition, policy or webhook that brings it would
wait 0.06 s for it, and everybody else with it.

Not at the start, which has more urgent things to load; some 3 MiB are the price.
"""

from __future__ import annotations

import asyncio
from importlib import import_module

from knarr.machinery.clock import Clock

AFTER = 2.0  # seconds
MODULES = (
    "knarr.api.custom.rulecosts",
    "knarr.apiserver.policies.validating",
    "knarr.apiserver.policies.mutating",
    "re2",
)


async def preload(clock: Clock) -> None:
    """Load the language, and the policies that are written in it, when the server has been ready for a while."""
    await clock.sleep(AFTER)
    await asyncio.to_thread(_load)  # which gives way to the loop every few milliseconds


def _load() -> None:
    for name in MODULES:
        import_module(name)
