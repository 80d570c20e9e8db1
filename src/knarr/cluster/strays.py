"""What a containerd leaves that was killed while it made a sandbox: a network namespace and an address.

containerd stores a sandbox only when its network is there, so after its restart it knows nothing of these. They are
looked for now and then, and taken away once they have been found twice: a sandbox may just be in the making.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from knarr.cluster.config import Config
from knarr.kubelet.cri.runtime import Runtime, RuntimeFailure
from knarr.machinery.clock import Clock

log = logging.getLogger(__name__)

INTERVAL = 300.0  # seconds


async def collect(config: Config, runtime: Runtime, clock: Clock, interval: float = INTERVAL) -> None:
    """Take strays away, until cancelled."""
    suspects: set[Path] = set()
    while True:
        await clock.sleep(interval)
        try:
            sandboxes = {sandbox.id for sandbox in await runtime.sandboxes()}
        except RuntimeFailure:
            continue
        found = await asyncio.to_thread(find, config, sandboxes)
        for stray in found & suspects:
            log.info("%s belongs to no Pod and is removed", stray)
            await asyncio.to_thread(remove, stray)
        suspects = found - suspects


def find(config: Config, sandboxes: set[str]) -> set[Path]:
    """Network namespaces that no process is in, and addresses held for sandboxes that are none of these."""
    used = set(_namespaces_of_processes())
    namespaces = (config.containerd_state / "io.containerd.grpc.v1.cri" / "netns").glob("cni-*")
    addresses = (config.containerd_state / "addresses" / config.network).glob("*.*.*.*")
    return {
        *(path for path in namespaces if path.stat().st_ino not in used),
        *(path for path in addresses if not sandboxes & set(path.read_text().split())),
    }


def remove(stray: Path) -> None:
    """Remove the file, and the namespace that is mounted on it."""
    subprocess.run(["umount", "--lazy", str(stray)], check=False, stderr=subprocess.DEVNULL)
    stray.unlink(missing_ok=True)


def _namespaces_of_processes() -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            yield (process / "ns" / "net").stat().st_ino
