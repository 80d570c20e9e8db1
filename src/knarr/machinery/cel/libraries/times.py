"""Parts of timestamps and durations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import Overload, overload
from knarr.machinery.cel.values import Duration, Timestamp

_NANO = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)")


def _local(time: Timestamp, zone: str = "UTC") -> datetime:
    return (_EPOCH + timedelta(seconds=time.nanos // _NANO)).astimezone(_zone(zone))


def _zone(name: str) -> tzinfo:
    if name in ("UTC", ""):
        return UTC
    try:
        if offset := _OFFSET.fullmatch(name):
            length = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return timezone(-length if offset[1] == "-" else length)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CelError(f"unknown time zone {name}") from None


_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda time: time.year,
    "getMonth": lambda time: time.month - 1,
    "getDayOfYear": lambda time: time.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda time: time.day - 1,
    "getDate": lambda time: time.day,
    "getDayOfWeek": lambda time: time.isoweekday() % 7,
    "getHours": lambda time: time.hour,
    "getMinutes": lambda time: time.minute,
    "getSeconds": lambda time: time.second,
}
_UNITS = {"getHours": 3600 * _NANO, "getMinutes": 60 * _NANO, "getSeconds": _NANO, "getMilliseconds": 10**6}


def _accessors(name: str, part: Callable[[datetime], int]) -> tuple[Overload, Overload]:
    def read(time: Timestamp, zone: str = "UTC") -> int:
        return part(_local(time, zone))

    return overload(f"timestamp.{name}() -> int", read), overload(f"timestamp.{name}(string) -> int", read)


def _length(name: str, unit: int) -> Overload:
    def read(length: Duration) -> int:
        return int(abs(length.nanos) // unit * (-1 if length.nanos < 0 else 1))

    return overload(f"duration.{name}() -> int", read)


def _milliseconds(time: Timestamp, _: str = "UTC") -> int:
    return time.nanos % _NANO // 10**6


OVERLOADS = (
    *(accessor for name, part in _PARTS.items() for accessor in _accessors(name, part)),
    *(_length(name, unit) for name, unit in _UNITS.items()),
    overload("timestamp.getMilliseconds() -> int", _milliseconds),
    overload("timestamp.getMilliseconds(string) -> int", _milliseconds),
)
