from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knarr.kubelet.logstreams import LogStream, tail_offset
from knarr.kubelet.logtext import LogOptions, LogText
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import BadRequest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOG = b"""\
2026-01-01T10:00:00.000000001Z stdout F one
2026-01-01T10:00:01.5Z stderr F two
2026-01-01T10:00:02Z stdout P thr
2026-01-01T10:00:03Z stdout F ee
2026-01-01T13:00:04.25+02:00 stdout F four
"""


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.text = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.text += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pending(self) -> int:
        return 0

    def on_close(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    async def drain(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, b"one\ntwo\nthree\nfour\n", id="all"),
        pytest.param({"stream": ["Stderr"]}, b"two\n", id="stderr"),
        pytest.param({"sinceTime": ["2026-01-01T10:00:03Z"]}, b"ee\nfour\n", id="since a time"),
        pytest.param({"sinceSeconds": ["3599"]}, b"four\n", id="since seconds ago"),
        pytest.param({"limitBytes": ["5"]}, b"one\nt", id="limit"),
        pytest.param(
            {"timestamps": ["true"]},
            b"2026-01-01T10:00:00.000000001Z one\n2026-01-01T10:00:01.500000000Z two\n"
            b"2026-01-01T10:00:02.000000000Z three\n2026-01-01T13:00:04.250000000+02:00 four\n",
            id="timestamps",
        ),
    ],
)
@pytest.mark.parametrize("block", [1, 7, 4096])
def test_text(query: dict[str, list[str]], expected: bytes, block: int) -> None:
    text = LogText(LogOptions.parse(query, NOW))
    blocks = [LOG[start : start + block] for start in range(0, len(LOG), block)]
    assert b"".join(map(text.feed, blocks)) == expected


@pytest.mark.parametrize(
    ("name", "value"), [("tailLines", "-1"), ("limitBytes", "0"), ("sinceSeconds", "x"), ("sinceTime", "yesterday")]
)
def test_bad_options_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=name):
        LogOptions.parse({name: [value]}, NOW)


@pytest.mark.parametrize(
    ("content", "lines", "rest"),
    [
        (b"a\nb\nc\n", 0, b""),
        (b"a\nb\nc\n", 1, b"c\n"),
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc\n", 9, b"a\nb\nc\n"),
        (b"a\nb\nc", 1, b"c"),
        (b"", 3, b""),
        (b"x" * 100_000 + b"\n" + b"y" * 70_000 + b"\nz\n", 2, b"y" * 70_000 + b"\nz\n"),
        (b"\n" * 200_000, 131_072, b"\n" * 131_072),
    ],
)
def test_tail(tmp_path: Path, content: bytes, lines: int, rest: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    with (tmp_path / "log").open("rb") as log:
        assert content[tail_offset(log, lines) :] == rest


class Container:
    """A container that writes a log, as a runtime would."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "0.log"
        self.file = self.path.open("ab", buffering=0)
        self.runs = True

    def say(self, text: str) -> None:
        self.file.write(f"2026-01-01T10:00:00Z stdout F {text}\n".encode())

    def rotate(self) -> None:
        self.path.rename(self.path.with_suffix(".log.1"))
        self.file.close()
        self.file = self.path.open("ab", buffering=0)

    def end(self) -> None:
        self.runs = False
        self.file.close()

    async def running(self) -> bool:
        return self.runs


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


async def test_following_sees_new_lines_rotation_and_the_end(tmp_path: Path) -> None:
    container, sink, clock = Container(tmp_path), Collected(), VirtualClock()
    container.say("before")
    container.say("last")
    options = LogOptions(follow=True, tail=1)
    following = asyncio.create_task(LogStream(container.path, options, sink, clock, container.running).copy())
    await until(lambda: sink.text == b"last\n")
    container.say("more")
    await until(lambda: sink.text == b"last\nmore\n")
    container.say("old file")
    container.rotate()
    container.say("new file")
    await until(lambda: clock.next_wake is not None)
    await clock.advance(2)
    await until(lambda: sink.text == b"last\nmore\nold file\nnew file\n")
    container.say("bye")
    container.end()
    async with asyncio.timeout(5):
        await following
    assert sink.text == b"last\nmore\nold file\nnew file\nbye\n"


async def test_the_end_is_seen_although_the_log_closes_first(tmp_path: Path) -> None:
    container, sink, clock = Container(tmp_path), Collected(), VirtualClock()
    stream = LogStream(container.path, LogOptions(follow=True), sink, clock, container.running)
    following = asyncio.create_task(stream.copy())
    await asyncio.sleep(0.01)
    container.say("bye")
    container.file.close()
    await until(lambda: clock.next_wake is not None)
    container.end()
    await clock.advance(0.02)
    async with asyncio.timeout(5):
        await following
    assert sink.text == b"bye\n"


async def test_following_what_has_ended_ends(tmp_path: Path) -> None:
    container, sink = Container(tmp_path), Collected()
    container.say("bye")
    container.end()
    await LogStream(container.path, LogOptions(follow=True), sink, VirtualClock(), container.running).copy()
    assert sink.text == b"bye\n"
