"""Figures in Prometheus' text form."""

from __future__ import annotations

from knarr.machinery.figures import Family, Figures

ADDS = Family("adds_total", "counter", "What came.", ("name",))
SECONDS = Family("spent_seconds", "histogram", "Time.", (), (0.5, 1))
LEFT = Family("left", "gauge", "What waits.")


def test_what_is_counted_spread_and_read() -> None:
    figures = Figures()
    figures.count(ADDS, ('a"b',)).n += 1
    figures.count(ADDS, ('a"b',)).n += 2
    for value in (0.1, 0.5, 0.7, 3):
        figures.spread(SECONDS).observe(value)
    figures.ask(LEFT, lambda: [((), 7)])
    figures.ask(LEFT, lambda: [((), 0.5)])  # in place of the first
    assert figures.render().decode().splitlines() == [
        "# HELP adds_total What came.",
        "# TYPE adds_total counter",
        'adds_total{name="a\\"b"} 3',
        "# HELP spent_seconds Time.",
        "# TYPE spent_seconds histogram",
        'spent_seconds_bucket{le="0.5"} 2',
        'spent_seconds_bucket{le="1"} 3',
        'spent_seconds_bucket{le="+Inf"} 4',
        "spent_seconds_sum 4.3",
        "spent_seconds_count 4",
        "# HELP left What waits.",
        "# TYPE left gauge",
        "left 0.5",
    ]


def test_what_nobody_has_counted_is_not_told() -> None:
    figures = Figures()
    figures.ask(LEFT, list)
    assert figures.render() == b""
