"""Rotation of logs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from knarr.kubelet.cri.runtime import Runtime, RuntimeFailure
from knarr.kubelet.logs import rotate


class Reopening:
    """A runtime that opens the log anew, or cannot."""

    def __init__(self, log: Path, works: bool = True) -> None:
        self.log, self.works = log, works

    async def reopen_log(self, container_id: str) -> None:
        if not self.works:
            raise RuntimeFailure("Unknown", "no")
        self.log.write_text("new")


async def test_older_logs_are_compressed_and_the_oldest_go(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    runtime = cast(Runtime, Reopening(log))
    for day in range(1, 6):
        log.write_text(f"day {day}")
        await rotate(runtime, "c1", log, datetime(2026, 1, day, tzinfo=UTC), files=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0.log",
        "0.log.20260103-000000.gz",
        "0.log.20260104-000000.gz",
        "0.log.20260105-000000",
    ]
    assert log.read_text() == "new"


async def test_a_log_that_cannot_be_opened_anew_stays(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_text("day 1")
    with pytest.raises(RuntimeFailure):
        await rotate(cast(Runtime, Reopening(log, works=False)), "c1", log, datetime(2026, 1, 1, tzinfo=UTC), files=4)
    assert log.read_text() == "day 1"
