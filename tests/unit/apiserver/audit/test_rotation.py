"""Files that fill up, and those that are left of them."""

from __future__ import annotations

import errno
import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knarr.apiserver.audit.logs import Log
from knarr.apiserver.audit.rotation import RotatingFile, Rotation
from knarr.machinery.clock import VirtualClock
from tests.unit.apiserver.audit.builders import Counted, event

LINE = b"0123456789\n"
FIRST, SECOND = "audit-2026-01-01T00-00-00.000.log", "audit-2026-01-01T00-00-01.500.log"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


async def test_a_full_file_is_put_aside(tmp_path: Path) -> None:
    clock = VirtualClock()
    file = RotatingFile(tmp_path / "audit.log", Rotation(size=25), clock)
    assert file.write([LINE] * 3) == {}
    await clock.advance(1.5)
    assert file.write([LINE] * 2) == {}
    file.close()
    assert contents(tmp_path) == {FIRST: LINE * 2, SECOND: LINE * 2, "audit.log": LINE}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


async def test_a_file_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "audit.log"
    for _ in range(2):
        file = RotatingFile(path, Rotation(size=25), VirtualClock())
        file.write([LINE])
        file.close()
    assert path.read_bytes() == LINE * 2
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_line_that_no_file_can_hold_is_refused_alone(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "audit.log", Rotation(size=25), VirtualClock())
    errors = file.write([LINE, LINE * 3, LINE])
    file.close()
    assert {index: str(error) for index, error in errors.items()} == {1: "write length 33 exceeds maximum file size 25"}
    assert contents(tmp_path) == {"audit.log": LINE * 2}


async def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, write = RotatingFile(tmp_path / "audit.log", Rotation(), VirtualClock()), os.write
    file.write([LINE])
    room = [5]

    def full(descriptor: int, data: memoryview) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop()])

    monkeypatch.setattr(os, "write", full)
    errors = file.write([LINE])
    monkeypatch.undo()
    file.write([LINE])
    file.close()
    assert [error.strerror for error in errors.values()] == ["No space left on device"]
    assert contents(tmp_path) == {"audit.log": LINE * 2}


@pytest.mark.parametrize(
    ("rotation", "left"),
    [
        pytest.param(Rotation(), ["01", "02", "03"], id="no limit"),
        pytest.param(Rotation(files=2), ["02", "03"], id="so many files"),
        pytest.param(Rotation(days=2), ["03"], id="so many days"),
    ],
)
async def test_old_files_go(tmp_path: Path, rotation: Rotation, left: list[str]) -> None:
    others = ["audit-notes.log", "other-2026-01-01T00-00-00.000.log"]
    for name in [*others, *(f"audit-2026-01-{day}T00-00-00.000.log" for day in ("01", "02", "03"))]:
        (tmp_path / name).touch()
    RotatingFile(tmp_path / "audit.log", rotation, VirtualClock(datetime(2026, 1, 4, 12, tzinfo=UTC))).close()
    names = [f"audit-2026-01-{day}T00-00-00.000.log" for day in left]
    assert sorted(contents(tmp_path)) == sorted([*others, *names, "audit.log"])


async def test_old_files_are_compressed(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "audit.log", Rotation(size=25, compress=True), VirtualClock())
    file.write([LINE] * 3)
    file.close()
    assert sorted(contents(tmp_path)) == [f"{FIRST}.gz", "audit.log"]
    assert gzip.decompress((tmp_path / f"{FIRST}.gz").read_bytes()) == LINE * 2
    assert (tmp_path / f"{FIRST}.gz").stat().st_mode & 0o777 == 0o600


async def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    failures = Counted()
    log = Log(RotatingFile(tmp_path / "audit.log", Rotation(size=1500), VirtualClock()), "json", failures)
    assert await log.deliver([event("a")])
    assert not await log.deliver([event("b"), event("c", "Request", 2000)])
    await log.close()
    assert failures.of("log") == 1
    assert b'"auditID":"b"' in (tmp_path / "audit.log").read_bytes()
