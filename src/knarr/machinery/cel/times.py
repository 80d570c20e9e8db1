"""Times and durations from text: RFC 3339, and Go's durations (`1h30m`)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.values import LARGEST_INT, Duration, Timestamp

_NANO = 10**9
_LONGEST = 256  # characters of a text that can mean something
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": _NANO, "m": 60 * _NANO, "h": 3600 * _NANO}
_DURATION = re.compile(r"([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)")
_PART = re.compile(r"(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(text: str) -> Duration:
    """Raises CelError."""
    if len(text) > _LONGEST:
        raise CelError(f'time: invalid duration "{text}"')
    return _duration(text)


@lru_cache(maxsize=1024)
def _duration(text: str) -> Duration:
    match = _DURATION.fullmatch(text)
    if not match:
        raise CelError(f'time: invalid duration "{text}"')
    nanos = sum(_part(*part) for part in _PART.findall(match[2]))
    if nanos > LARGEST_INT:
        raise CelError(f'time: invalid duration "{text}"')
    return Duration(-nanos if match[1] == "-" else nanos)


def _part(whole: str, fraction: str, unit: str) -> int:
    return int(whole + fraction or 0) * _UNITS[unit] // int(10 ** len(fraction))


def parse_timestamp(text: str) -> Timestamp:
    """A time, or a date for its midnight. Raises CelError."""
    if len(text) > _LONGEST:
        raise _no_time(text)
    return _timestamp(text)


@lru_cache(maxsize=1024)
def _timestamp(text: str) -> Timestamp:
    match = _TIME.fullmatch(text)
    try:
        if not match:
            raise ValueError
        day, clock, fraction, zone = match.groups()
        if clock is None:
            return Timestamp((date.fromisoformat(day) - _EPOCH.date()).days * 86400 * _NANO)
        since = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}") - _EPOCH
    except ValueError:
        raise _no_time(text) from None
    seconds = since.days * 86400 + since.seconds
    return Timestamp(seconds * _NANO + int((fraction or "").ljust(9, "0")))


def _no_time(text: str) -> CelError:
    return CelError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}"')
