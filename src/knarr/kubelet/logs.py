"""Rotation of container logs: past a size the file gets a date behind its name, the runtime opens a new one.

Older ones are compressed, and the oldest go. Source:
https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-rotation
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
from datetime import datetime
from pathlib import Path

from knarr.kubelet.cri.runtime import Runtime, RuntimeFailure


def rotated(log: Path) -> list[Path]:
    """What was rotated away from this log, oldest first; the dates sort by name."""
    return sorted(log.parent.glob(f"{log.name}.*"))


async def rotate(runtime: Runtime, container_id: str, log: Path, now: datetime, files: int) -> None:
    """Begin a new log file, keeping `files` of them with the new one. Raises RuntimeFailure, OSError."""
    old = log.with_name(f"{log.name}.{now:%Y%m%d-%H%M%S}")
    await asyncio.to_thread(make_room, log, files - 2)
    log.rename(old)  # noqa: ASYNC240 - a rename takes no time
    try:
        await runtime.reopen_log(container_id)
    except RuntimeFailure:
        old.rename(log)
        raise


def make_room(log: Path, keep: int) -> None:
    """Compress what is not, and remove the oldest until `keep` are left."""
    for old in rotated(log)[: -keep or None]:
        old.unlink()
    for old in rotated(log):
        if old.suffix != ".gz":
            with old.open("rb") as source, gzip.open(f"{old}.gz", "wb") as target:
                shutil.copyfileobj(source, target)
            old.unlink()
