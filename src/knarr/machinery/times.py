"""Times as the API writes them (RFC 3339, UTC) and ages as kubectl shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

RFC3339 = "2006-01-02T15:04:05Z07:00"  # Go's layouts: messages name them
RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"

# What a time is made of, in order: Go's name of the part, and its pattern. Messages name the first that does not match.
_PARTS = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d{2}"),
    ("-", "-"),
    ("02", r"\d{2}"),
    ("T", "T"),
    ("15", r"\d{2}"),
    (":", ":"),
    ("04", r"\d{2}"),
    (":", ":"),
    ("05", r"\d{2}"),
)
_ZONE = r"Z|[+-]\d{2}:\d{2}"
# Text that is surely a time and canonical (days past 28 need the calendar): most times take no more than this match.
_CANONICAL = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{6})?Z", re.ASCII
)
_TIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?({_ZONE})", re.ASCII)
_MICRO = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}:\d{{2}}:\d{{2}}\.\d{{6}}({_ZONE})", re.ASCII)


_DURATION = re.compile(r"([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)", re.ASCII)
_AMOUNT = re.compile(r"([\d.]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class TimeError(ValueError):
    """Text that is no time, in the words of Go's time.Parse."""


def format_time(time: datetime) -> str:
    """Whole seconds, as metav1.Time: `2006-01-02T15:04:05Z`."""
    return f"{time.astimezone(UTC).isoformat()[:19]}Z"


def format_micro(time: datetime) -> str:
    """Microseconds, as metav1.MicroTime: `2006-01-02T15:04:05.000000Z`."""
    return f"{time.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def parse_time(text: str) -> datetime:
    """An RFC 3339 time, in UTC; fractions beyond microseconds are cut. Raises TimeError."""
    return _parse(text, RFC3339, _TIME)


def canonical_time(text: str) -> str:
    """The text that the API stores for it. Raises TimeError."""
    return text if len(text) == 20 and _CANONICAL.fullmatch(text) else format_time(parse_time(text))


def canonical_micro(text: str) -> str:
    """The same for MicroTime, which must have exactly six fractional digits. Raises TimeError."""
    return text if len(text) == 27 and _CANONICAL.fullmatch(text) else format_micro(_parse(text, RFC3339_MICRO, _MICRO))


def _parse(text: str, layout: str, pattern: re.Pattern[str]) -> datetime:
    if not pattern.fullmatch(text):
        raise TimeError(_where_it_fails(text, layout))
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeError(f'parsing time "{text}": {_out_of_range(text)} out of range') from None


def _where_it_fails(text: str, layout: str) -> str:
    rest, fraction = text, layout == RFC3339_MICRO
    parts = (*_PARTS, *([(".000000", r"\.\d{6}")] if fraction else [("", r"(\.\d+)?")]), ("Z07:00", _ZONE))
    for name, pattern in parts:
        match = re.match(pattern, rest)
        if not match:
            return f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{name}"'
        rest = rest[match.end() :]
    return f'parsing time "{text}": extra text: "{rest}"'


def _out_of_range(text: str) -> str:
    parts = (("month", 5, 1, 12), ("day", 8, 1, 31), ("hour", 11, 0, 23), ("minute", 14, 0, 59), ("second", 17, 0, 59))
    return next((name for name, at, low, high in parts if not low <= int(text[at : at + 2]) <= high), "day")


def parse_duration(text: str) -> float:
    """A duration as Go writes it (`1m30s`, `250ms`), in seconds. Raises TimeError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise TimeError(f'time: invalid duration "{text}"')
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _AMOUNT.findall(found[2]))
    return -seconds if found[1] == "-" else seconds


def format_duration(seconds: float) -> str:
    """A duration, which is not negative, as Go writes it: `1m30s`, `250ms`."""
    if seconds < 1:
        unit, size = ("ms", 1e-3) if seconds >= 1e-3 else ("µs", 1e-6)
        return f"{seconds / size:.6g}{unit}" if seconds else "0s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:.9f}".rstrip("0").rstrip(".") + "s"
    return f"{hours}h{minutes}m{shown}" if hours else f"{minutes}m{shown}" if minutes else shown


def human_duration(seconds: float) -> str:
    """An age as kubectl prints it: two units at most, less precise the older (`45s`, `5m3s`, `5d3h`, `2y30d`)."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{max(whole, 0)}s"
    if minutes < 180:
        return _two(minutes, "m", whole % 60, "s", exact=minutes < 10)
    if hours < 48:
        return _two(hours, "h", minutes % 60, "m", exact=hours < 8)
    if days < 365 * 2:
        return _two(days, "d", hours % 24, "h", exact=days < 8)
    return _two(days // 365, "y", days % 365, "d", exact=days < 365 * 8)


def _two(large: int, unit: str, small: int, small_unit: str, *, exact: bool) -> str:
    return f"{large}{unit}{small}{small_unit}" if exact and small else f"{large}{unit}"
