"""The queues of one priority level: seats are limited, and who waits for one is served fairly. No I/O, no clock.

Fair queueing by start times (Goyal, Vin and Cheng, 1996): a queue that is served gets a later virtual time, by the
seats and seconds that its request takes, and the queue with the earliest is next. As nobody knows beforehand how long a
request takes, a guess is charged and set right when it is done. The virtual times last as long as somebody waits: what
was taken when nobody else wanted it is held against nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from knarr.apiserver.flowcontrol.configuration import Queuing
from knarr.apiserver.flowcontrol.sharding import hand_of

GUESS = 0.003  # seconds of a request, before it is known


class State(Enum):
    """Where a request is on its way through a level."""

    NEW = "new"
    WAITING = "waiting"
    RUNNING = "running"
    REFUSED = "refused"
    DONE = "done"


class Queue:
    """Requests that wait, in the order in which they came, and the queue's virtual time."""

    __slots__ = ("index", "tickets", "virtual")

    def __init__(self, index: int) -> None:
        self.index = index
        self.tickets: deque[Ticket] = deque()
        self.virtual = 0.0

    @property
    def seats(self) -> int:
        return sum(ticket.seats for ticket in self.tickets)


class Ticket(Protocol):
    """One request, as its level sees it; `called` is told that its turn has come."""

    seats: int
    state: State
    began: float
    queue: Queue | None
    spell: int

    def called(self) -> None: ...


class Queues:
    """See the module's docstring. `limit` seats may be taken at once; without `queuing` nobody waits."""

    def __init__(self, queuing: Queuing | None, limit: float) -> None:
        self.limit = limit
        self.taken = 0  # seats
        self.running = 0  # requests
        self.waiting = 0  # requests
        self.wanted = 0  # seats, by those who wait
        self.most_wanted = 0  # the most seats that were taken and wanted at once, until somebody asks
        self.queuing = queuing
        self.queues = [Queue(index) for index in range(queuing.queues)] if queuing else []
        self._virtual = 0.0
        self._spell = 0  # counts the times in which somebody waited

    def arrive(self, ticket: Ticket, flow: Callable[[], int], now: float) -> None:
        """Have a request run, wait or be refused: its state says which. `flow` is asked for its hash if it waits."""
        if not self.waiting and self._fits(ticket):
            self._run(ticket, now)
        elif self.queuing is None:
            ticket.state = State.REFUSED
        else:
            self._enqueue(ticket, self.queuing, flow())
            self._dispatch(now)

    def finish(self, ticket: Ticket, now: float) -> None:
        """A running request is done; others may get its seats."""
        ticket.state = State.DONE
        self.taken -= ticket.seats
        self.running -= 1
        if ticket.queue is not None and ticket.spell == self._spell:
            ticket.queue.virtual += ticket.seats * (now - ticket.began - GUESS)
        if self.waiting:
            self._dispatch(now)

    def abandon(self, ticket: Ticket, now: float) -> None:
        """A waiting request has gone, or waited too long."""
        if ticket.state is State.WAITING and ticket.queue is not None:
            ticket.queue.tickets.remove(ticket)
            self._leave(ticket)
            ticket.state = State.REFUSED
            self._dispatch(now)

    def resize(self, limit: float, now: float) -> None:
        """Another number of seats: who runs keeps his."""
        self.limit = limit
        self._dispatch(now)

    def peak(self) -> int:
        """The most seats that were taken and wanted at once since the last call."""
        most, self.most_wanted = self.most_wanted, self.taken + self.wanted
        return most

    def _fits(self, ticket: Ticket) -> bool:
        """One that wants more seats than there are gets all of them."""
        return self.taken + ticket.seats <= self.limit or not self.taken

    def _run(self, ticket: Ticket, now: float) -> None:
        ticket.state, ticket.began = State.RUNNING, now
        self.running += 1
        self.taken += ticket.seats
        self.most_wanted = max(self.most_wanted, self.taken + self.wanted)

    def _enqueue(self, ticket: Ticket, queuing: Queuing, flow: int) -> None:
        """Into the shortest queue of the flow's hand, if that is not full."""
        hand = [self.queues[index] for index in hand_of(flow, queuing.queues, queuing.hand)]
        queue = min(hand, key=lambda each: each.seats)
        if len(queue.tickets) >= queuing.length:
            ticket.state = State.REFUSED
            return
        if not queue.tickets:
            queue.virtual = max(queue.virtual, self._virtual)
        queue.tickets.append(ticket)
        ticket.state, ticket.queue, ticket.spell = State.WAITING, queue, self._spell
        self.waiting += 1
        self.wanted += ticket.seats
        self.most_wanted = max(self.most_wanted, self.taken + self.wanted)

    def _dispatch(self, now: float) -> None:
        """Let run whose turn it is, as long as the next one fits: nobody overtakes who needs many seats."""
        while self.waiting:
            queue = min((each for each in self.queues if each.tickets), key=lambda each: each.virtual)
            ticket = queue.tickets[0]
            if not self._fits(ticket):
                return
            queue.tickets.popleft()
            self._virtual = queue.virtual
            queue.virtual += ticket.seats * GUESS
            self._leave(ticket)
            self._run(ticket, now)
            ticket.called()

    def _leave(self, ticket: Ticket) -> None:
        self.waiting -= 1
        self.wanted -= ticket.seats
        if not self.waiting:
            self._spell += 1
            self._virtual = 0.0
            for queue in self.queues:
                queue.virtual = 0.0
