"""Which schedules a CronJob may have."""

from __future__ import annotations

import pytest

from knarr.api.schedules import validate_schedule


def complaints(**spec: str) -> list[str]:
    return [str(error) for error in validate_schedule(dict(spec), "spec")]


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "*/15 0-6 1,15 jan-mar mon", "0 0 ? * SUN", "@hourly", "@every 1h30m", "5 4 * * 0"],
)
def test_good(schedule: str) -> None:
    assert complaints(schedule=schedule) == []


@pytest.mark.parametrize(
    ("schedule", "complaint"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("* * L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_bad(schedule: str, complaint: str) -> None:
    assert complaints(schedule=schedule) == [f'spec.schedule: Invalid value: "{schedule}": {complaint}']


def test_time_zones_have_a_field_of_their_own() -> None:
    assert complaints(schedule="0 0 * * *", timeZone="Europe/Zurich") == []
    assert complaints(schedule="0 0 * * *", timeZone="Mars/Olympus") == [
        'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'
    ]
    assert complaints(schedule="TZ=Europe/Zurich 0 0 * * *") == [
        'spec.schedule: Invalid value: "TZ=Europe/Zurich 0 0 * * *": '
        "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    ]
