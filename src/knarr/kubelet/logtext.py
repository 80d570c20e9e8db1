"""Container logs as the runtime writes them: lines `<RFC 3339 time> <stdout|stderr> <P|F>[:tags] <text>`.

P marks a part of a line that is too long for the runtime's buffer; what ends it is marked F.

The format is the CRI's: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from knarr.machinery.errors import BadRequest
from knarr.machinery.times import TimeError, parse_time

_TIME = re.compile(rb"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]+))?(Z|[+-][0-9:]{5})")
_TRUE = ("true", "1")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What part of a log is wanted, and how: `PodLogOptions` of the API."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None  # lines
    limit: int | None = None  # bytes
    since: datetime | None = None
    stream: str = "All"

    @classmethod
    def parse(cls, parameters: dict[str, list[str]], now: datetime) -> LogOptions:
        """From the query of a request. Raises BadRequest."""
        given = {name: values[0] for name, values in parameters.items()}
        seconds = _number(given, "sinceSeconds", 1)
        return cls(
            follow=given.get("follow", "") in _TRUE,
            previous=given.get("previous", "") in _TRUE,
            timestamps=given.get("timestamps", "") in _TRUE,
            tail=_number(given, "tailLines", 0),
            limit=_number(given, "limitBytes", 1),
            since=_time(given) if seconds is None else now - timedelta(seconds=seconds),
            stream=given.get("stream", "All"),
        )


def _number(given: dict[str, str], name: str, least: int) -> int | None:
    text = given.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < least:
        raise BadRequest(f"{name}: Invalid value: {text}: must be greater than or equal to {least}")
    return int(text)


def _time(given: dict[str, str]) -> datetime | None:
    try:
        return parse_time(given["sinceTime"]) if given.get("sinceTime") else None
    except TimeError as error:
        raise BadRequest(f"sinceTime: {error}") from error


class LogText:
    """Turns the runtime's lines into what the user asked for, block by block. No I/O."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._left = options.limit
        self._rest = b""
        self._line_begins = True
        self._stream = b"" if options.stream == "All" else options.stream.lower().encode()

    @property
    def full(self) -> bool:
        """Whether limitBytes are out."""
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        """The text of all lines that are complete by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        text = b"".join([self._text(line) for line in lines])
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        return text

    def _text(self, line: bytes) -> bytes:
        time, _, rest = line.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        tags, _, text = rest.partition(b" ")
        if not tags or (self._stream and stream != self._stream) or self._too_old(time):
            return b""
        prefix = _nanoseconds(time) + b" " if self._options.timestamps and self._line_begins else b""
        self._line_begins = not tags.startswith(b"P")
        return prefix + text + (b"\n" if self._line_begins else b"")

    def _too_old(self, time: bytes) -> bool:
        return self._options.since is not None and _parsed(time) < self._options.since


def _nanoseconds(time: bytes) -> bytes:
    """The time with all nine digits, so that columns align: the runtime leaves trailing zeros out."""
    match = _TIME.fullmatch(time)
    return b"%b.%b%b" % (match[1], (match[2] or b"").ljust(9, b"0"), match[3]) if match else time


def _parsed(time: bytes) -> datetime:
    """The time to the microsecond; what is no time is older than any."""
    try:
        return parse_time(time.decode("ascii", "replace"))
    except TimeError:
        return datetime.min.replace(tzinfo=UTC)
