"""Cron schedules as CronJobs write them: five fields, or a word after `@` (docs: "Writing a CronJob spec")."""

from __future__ import annotations

import re
from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (  # lowest, highest, names of the numbers from the lowest on
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = re.compile(r"@every ([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")


def validate_schedule(spec: JSON, path: str) -> Iterable[FieldError]:
    schedule, zone = spec.get("schedule") or "", spec.get("timeZone")
    if schedule and (complaint := _complaint(schedule)):
        yield invalid(f"{path}.schedule", schedule, complaint)
    if "TZ" in schedule:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid(f"{path}.schedule", schedule, detail)
    if zone is not None and not _is_zone(zone):
        detail = "timeZone must be nil or non-empty string" if not zone else f"unknown time zone {zone}"
        yield invalid(f"{path}.timeZone", zone, detail)


def _is_zone(name: str) -> bool:
    from zoneinfo import available_timezones  # few schedules name a zone, and loading this takes milliseconds

    return name in available_timezones()


def _complaint(schedule: str) -> str:
    """What is wrong with a schedule, in the words of the parser that upstream uses; empty when nothing."""
    schedule = re.sub(r"^(CRON_)?TZ=\S+\s+", "", schedule)
    if schedule.startswith("@"):
        known = schedule in _WORDS or _EVERY.fullmatch(schedule)
        return "" if known else f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    found = (
        _range_complaint(part, *bounds)
        for text, bounds in zip(fields, _FIELDS, strict=True)
        for part in text.split(",")
    )
    return next(filter(None, found), "")


def _range_complaint(part: str, low: int, high: int, names: tuple[str, ...]) -> str:
    """One range: `*`, `a`, `a-b`, each with `/step`."""
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    numbers = [] if span in ("*", "?") else [_number(text, low, names) for text in ([first, last] if dash else [first])]
    if bad := [text for text, number in zip((first, last), numbers, strict=False) if number is None]:
        return f'failed to parse int from {bad[0]}: strconv.Atoi: parsing "{bad[0]}": invalid syntax'
    begin, end = (numbers[0] or 0, numbers[-1] or 0) if numbers else (low, high)
    if "/" in part and not step.isdigit():
        return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
    if begin < low:
        return f"beginning of range ({begin}) below minimum ({low}): {part}"
    if end > high:
        return f"end of range ({end}) above maximum ({high}): {part}"
    if begin > end:
        return f"beginning of range ({begin}) beyond end of range ({end}): {part}"
    return f"step of range should be a positive number: {part}" if step == "0" else ""


def _number(text: str, low: int, names: tuple[str, ...]) -> int | None:
    if text.isdigit():
        return int(text)
    return names.index(text.lower()) + low if text.lower() in names else None
