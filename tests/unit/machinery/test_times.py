"""Times and ages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery import times
from knarr.machinery.times import TimeError, format_duration, human_duration

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 86400 * 365


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("2026-01-02T10:00:00.999999999Z", "2026-01-02T10:00:00Z"),
        ("2026-01-02T00:30:00+02:00", "2026-01-01T22:30:00Z"),
    ],
)
def test_canonical_times(text: str, expected: str) -> None:
    assert times.canonical_time(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("now", 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'),
        ("2026-01-02", 'parsing time "2026-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'),
        (
            "2026-01-02T10:00:00",
            'parsing time "2026-01-02T10:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
        ),
        ("2026-13-02T10:00:00Z", 'parsing time "2026-13-02T10:00:00Z": month out of range'),
        ("2026-02-30T10:00:00Z", 'parsing time "2026-02-30T10:00:00Z": day out of range'),
        ("2026-01-02T25:00:00Z", 'parsing time "2026-01-02T25:00:00Z": hour out of range'),
        ("2026-01-02T10:00:00Zulu", 'parsing time "2026-01-02T10:00:00Zulu": extra text: "ulu"'),
    ],
)
def test_what_is_no_time(text: str, message: str) -> None:
    with pytest.raises(TimeError) as failure:
        times.canonical_time(text)
    assert str(failure.value) == message


def test_micro_times_have_six_digits() -> None:
    assert times.canonical_micro("2026-01-31T10:00:00.000001+00:00") == "2026-01-31T10:00:00.000001Z"
    with pytest.raises(TimeError, match=r'cannot parse "Z" as ".000000"'):
        times.canonical_micro("2026-01-31T10:00:00Z")


@given(st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(timezone(timedelta(hours=3)))))
def test_what_is_written_is_read(moment: datetime) -> None:
    assert times.parse_time(times.format_micro(moment)) == moment
    assert times.parse_time(times.format_time(moment)) == moment.replace(microsecond=0)
    assert times.canonical_micro(times.format_micro(moment)) == times.format_micro(moment)


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
    assert (times.format_time(moment), times.format_micro(moment)) == (
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.000005Z",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0.9, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (5 * DAY + 3 * HOUR, "5d3h"),
        (8 * DAY + 3 * HOUR, "8d"),
        (2 * YEAR - DAY, "729d"),
        (2 * YEAR + 30 * DAY, "2y30d"),
        (9 * YEAR, "9y"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("1m30s", 90), ("250ms", 0.25), ("1.5h", 5400), ("-2s", -2), ("0", 0), ("1h0m0.5s", 3600.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert times.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1x", "1s ", "1 s", "."])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(TimeError, match="invalid duration"):
        times.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0000015, "1.5µs"),
        (0.02, "20ms"),
        (0.5123, "512.3ms"),
        (1.5, "1.5s"),
        (61, "1m1s"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_durations_as_go_writes_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
