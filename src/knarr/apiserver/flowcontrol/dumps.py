"""/debug/api_priority_and_fairness/...: what runs and waits just now, as upstream prints it.

https://kubernetes.io/docs/reference/debug-cluster/flow-control/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from knarr.apiserver.answers import plain_answer
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.flowcontrol.passages import Passage
from knarr.apiserver.flowcontrol.queues import Queue
from knarr.machinery.clock import Clock
from knarr.machinery.times import format_micro
from knarr.wire.messages import Request, Response

PATH = "/debug/api_priority_and_fairness"
_LEVELS = (
    "PriorityLevelName",
    "ActiveQueues",
    "IsIdle",
    "IsQuiescing",
    "WaitingRequests",
    "ExecutingRequests",
    "DispatchedRequests",
    "RejectedRequests",
    "TimedoutRequests",
    "CancelledRequests",
)
_QUEUES = ("PriorityLevelName", "Index", "PendingRequests", "InitialSeatsSum", "NextDispatchR")
_REQUESTS = (
    "PriorityLevelName",
    "FlowSchemaName",
    "QueueIndex",
    "RequestIndexInQueue",
    "FlowDistingsher",  # sic
    "ArriveTime",
    "InitialSeats",
)

Row = Iterable[object]


def dumps(control: FlowControl, clock: Clock) -> Mapping[str, Callable[[Request], Response]]:
    """The documents, by their paths."""
    return {
        f"{PATH}/dump_priority_levels": lambda _: _table(_LEVELS, _levels(control)),
        f"{PATH}/dump_queues": lambda _: _table(_QUEUES, _queues(control)),
        f"{PATH}/dump_requests": lambda _: _table(_REQUESTS, _requests(control, clock)),
    }


def _table(titles: Row, rows: Iterable[Row]) -> Response:
    lines = [", ".join(map(str, row)) for row in (titles, *rows)]
    return plain_answer("".join(f"{line}\n" for line in lines))


def _levels(control: FlowControl) -> Iterator[Row]:
    for name, room in sorted(control.rooms.items()):
        queues, figures = room.queues, control.figures_of(name)
        rejected = sum(count for each in figures for reason, count in each.rejected.items() if reason != "time-out")
        timed_out = sum(each.rejected.get("time-out", 0) for each in figures)
        yield (
            name,
            sum(bool(queue.tickets) for queue in queues.queues),
            _flag(not queues.running and not queues.waiting),
            _flag(False),
            queues.waiting,
            queues.running,
            sum(each.dispatched for each in figures),
            rejected,
            timed_out,
            sum(each.cancelled for each in figures),
        )


def _queues(control: FlowControl) -> Iterator[Row]:
    for name, room in sorted(control.rooms.items()):
        for queue in room.queues.queues:
            yield name, queue.index, len(queue.tickets), queue.seats, f"{queue.virtual:.8f}ss"


def _requests(control: FlowControl, clock: Clock) -> Iterator[Row]:
    now, monotonic = clock.now(), clock.monotonic()
    for passage in sorted(control.waiting, key=lambda each: (each.flow.room.level.name, each.arrived)):
        if passage.queue is not None:
            arrived = format_micro(now - timedelta(seconds=monotonic - passage.arrived))
            flow, place = passage.flow, _place(passage.queue, passage)
            names = flow.room.level.name, flow.schema.name
            yield *names, passage.queue.index, place, flow.distinguisher, arrived, passage.seats


def _place(queue: Queue, passage: Passage) -> int:
    return next((index for index, ticket in enumerate(queue.tickets) if ticket is passage), -1)


def _flag(value: bool) -> str:
    return str(value).lower()
