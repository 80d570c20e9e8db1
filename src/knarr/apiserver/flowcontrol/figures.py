"""What is counted of each flow schema's requests, and shown under upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from knarr.apiserver.metrics import Metrics
from knarr.machinery.figures import Family, Sample, Spread

_FLOW, _FLOW_LATENCIES = ("flow_schema", "priority_level"), (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
FLOW_DISPATCHED = Family(
    "apiserver_flowcontrol_dispatched_requests_total",
    "counter",
    "Number of requests executed by API Priority and Fairness subsystem",
    _FLOW,
)
FLOW_REJECTED = Family(
    "apiserver_flowcontrol_rejected_requests_total",
    "counter",
    "Number of requests rejected by API Priority and Fairness subsystem",
    (*_FLOW, "reason"),
)
FLOW_EXECUTING = Family(
    "apiserver_flowcontrol_current_executing_requests",
    "gauge",
    "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and "
    "Fairness subsystem",
    _FLOW,
)
FLOW_WAITING = Family(
    "apiserver_flowcontrol_current_inqueue_requests",
    "gauge",
    "Number of requests currently pending in queues of the API Priority and Fairness subsystem",
    _FLOW,
)
FLOW_WAITING_SECONDS = Family(
    "apiserver_flowcontrol_request_wait_duration_seconds",
    "histogram",
    "Length of time a request spent waiting in its queue",
    _FLOW,
    _FLOW_LATENCIES,
)
FLOW_EXECUTING_SECONDS = Family(
    "apiserver_flowcontrol_request_execution_seconds",
    "histogram",
    "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority "
    "and Fairness subsystem",
    _FLOW,
    _FLOW_LATENCIES,
)
FLOW_EXECUTING_SEATS = Family(
    "apiserver_flowcontrol_current_executing_seats",
    "gauge",
    "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage "
    "otherwise) requests in the API Priority and Fairness subsystem",
    _FLOW,
)
FLOW_LIMITS = tuple(
    Family(f"apiserver_flowcontrol_{name}_limit_seats", "gauge", meaning, ("priority_level",))
    for name, meaning in (
        ("nominal", "Nominal number of execution seats configured for each priority level"),
        ("lower", "Configured lower bound on number of execution seats available to each priority level"),
        ("upper", "Configured upper bound on number of execution seats available to each priority level"),
        ("current", "current derived number of execution seats available to each priority level"),
    )
)
FLOW_WAITING_SEATS = Family(
    "apiserver_flowcontrol_current_inqueue_seats",
    "gauge",
    "Number of seats currently pending in queues of the API Priority and Fairness subsystem",
    _FLOW,
)
FLOW_WIDTHS = Family(
    "apiserver_flowcontrol_work_estimated_seats",
    "histogram",
    "Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and "
    "Fairness",
    _FLOW,
    (1, 2, 4, 10),
)
FLOW_DEMANDS = tuple(
    Family(f"apiserver_flowcontrol_demand_seats_{name}", "gauge", meaning, ("priority_level",))
    for name, meaning in (
        ("high_watermark", "High watermark, over last adjustment period, of demand_seats"),
        ("smoothed", "Smoothed seat demands"),
    )
)


WIDEST = 10  # seats of a request, at most


class Figures:
    """Of one schema at one level."""

    __slots__ = (
        "cancelled",
        "dispatched",
        "rejected",
        "running",
        "seats",
        "seconds",
        "waited",
        "waiting",
        "waiting_seats",
        "widths",
    )

    def __init__(self) -> None:
        self.dispatched = 0
        self.cancelled = 0  # while they waited
        self.running = 0
        self.seats = 0  # of those that run
        self.waiting = 0
        self.waiting_seats = 0
        self.widths = [0] * (WIDEST + 1)  # how many asked for so many seats
        self.rejected: dict[str, int] = {}  # by reason
        self.waited = Spread(FLOW_WAITING_SECONDS.bounds)
        self.seconds = Spread(FLOW_EXECUTING_SECONDS.bounds)


_BySchema = Mapping[tuple[str, str], Figures]  # schema and level
_Seats = Callable[[], Mapping[str, tuple[float, float, float, float, float, float]]]


def tell(metrics: Metrics, figures: _BySchema, seats: _Seats) -> None:
    """Have it read when somebody looks. `seats`, by level: nominal, lower, upper and current limit, and what was wanted
    at most, and smoothed.
    """

    def each(read: Callable[[Figures], float | Spread]) -> Callable[[], Iterator[Sample]]:
        return lambda: (((schema, level), read(found)) for (schema, level), found in figures.items())

    def rejected() -> Iterator[Sample]:
        for names, found in figures.items():
            yield from (((*names, reason), count) for reason, count in found.rejected.items())

    def limit(index: int) -> Callable[[], Iterator[Sample]]:
        return lambda: (((level,), numbers[index]) for level, numbers in seats().items())

    metrics.ask(FLOW_DISPATCHED, each(lambda found: found.dispatched))
    metrics.ask(FLOW_REJECTED, rejected)
    metrics.ask(FLOW_EXECUTING, each(lambda found: found.running))
    metrics.ask(FLOW_WAITING, each(lambda found: found.waiting))
    metrics.ask(FLOW_WAITING_SECONDS, each(lambda found: found.waited))
    metrics.ask(FLOW_EXECUTING_SECONDS, each(lambda found: found.seconds))
    metrics.ask(FLOW_EXECUTING_SEATS, each(lambda found: found.seats))
    metrics.ask(FLOW_WAITING_SEATS, each(lambda found: found.waiting_seats))
    metrics.ask(FLOW_WIDTHS, each(_widths))
    for index, family in enumerate((*FLOW_LIMITS, *FLOW_DEMANDS)):
        metrics.ask(family, limit(index))


def _widths(figures: Figures) -> Spread:
    spread = Spread(FLOW_WIDTHS.bounds)
    for width, count in enumerate(figures.widths):
        spread.observe(width, count)
    return spread
