"""What is loaded ahead is what users' extensions would otherwise wait for."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import asyncio, sys
import knarr.apiserver.assembly
from knarr.apiserver.preloading import preload
from knarr.machinery.clock import VirtualClock

async def main():
    clock = VirtualClock()
    loading = asyncio.create_task(preload(clock))
    await asyncio.sleep(0)
    print([name in sys.modules for name in ("knarr.machinery.cel", "re2")])
    await clock.advance(2)
    await loading
    print([name in sys.modules for name in ("knarr.machinery.cel", "re2", "knarr.apiserver.policies.following")])

asyncio.run(main())
"""


def test_the_language_comes_after_the_start() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["[False, False]", "[True, True, True]"]
