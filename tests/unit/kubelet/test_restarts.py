"""Back-off between failures."""

from __future__ import annotations

from knarr.kubelet.launcher import go_duration
from knarr.kubelet.restarts import Restarts


def test_waits_double_up_to_five_minutes() -> None:
    restarts, now, waits = Restarts(), 0.0, []
    for _ in range(8):
        waits.append(restarts.remaining("app", now, now))
        now += waits[-1]
        restarts.tried("app", now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_the_wait_counts_from_the_failure() -> None:
    restarts = Restarts()
    restarts.tried("app", 0)
    assert restarts.remaining("app", failed_at=5, now=12) == 3


def test_ten_quiet_minutes_forget() -> None:
    restarts = Restarts()
    for now in (0, 10, 30):
        restarts.tried("app", now)
    assert restarts.remaining("app", failed_at=700, now=700) == 0
    restarts.tried("app", 700)
    assert restarts.seconds("app") == 10


def test_durations_read_as_upstreams() -> None:
    assert [go_duration(s) for s in (10, 80, 300)] == ["10s", "1m20s", "5m0s"]
