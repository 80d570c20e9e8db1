"""Whether a server still lives: one that is silent is asked for a sign of life, sooner while somebody waits for it.

Servers take it ill when they are asked too often: grpc's own stop at one ping in five seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 2.0  # seconds that a call waits for any sign of the server
ANSWER = 3.0  # seconds in which a sign of life must come
BETWEEN = 6.0  # seconds between two questions


class Liveness:
    """Looks after one connection. `keepalive`: seconds of silence after which the server is asked at the latest.

    `waited_for` says whether any call is under way; without, nobody is asked. `ask` sends the question, `give_up` is
    told how long nothing was heard.
    """

    def __init__(
        self,
        keepalive: float,
        waited_for: Callable[[], bool],
        ask: Callable[[], None],
        give_up: Callable[[float], None],
    ) -> None:
        self._keepalive, self._waited_for, self._ask, self._give_up = keepalive, waited_for, ask, give_up
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._waiting: float | None = None  # since when something is to be answered and nothing has been heard
        self._asked: float | None = None
        self._last = 0.0  # when the server was asked last, whatever it said
        self._look_at(self._heard + keepalive)

    def sent(self) -> None:
        """Something was sent that wants an answer."""
        if self._waiting is not None:
            return
        self._waiting = self._loop.time()
        if self._due() < self._next:
            self._timer.cancel()
            self._look_at(self._due())

    def heard(self) -> None:
        """Something came, whatever it is."""
        self._heard, self._waiting, self._asked = self._loop.time(), None, None

    def stop(self) -> None:
        self._timer.cancel()

    def _due(self) -> float:
        """When to ask, if nothing is heard until then."""
        quiet = self._heard + self._keepalive
        soon = quiet if self._waiting is None else min(quiet, self._waiting + PATIENCE)
        return max(soon, self._last + min(BETWEEN, self._keepalive))

    def _look(self) -> None:
        now = self._loop.time()
        if self._asked is not None:
            if now >= self._asked + ANSWER:
                self._give_up(now - self._heard)
                return
            self._look_at(self._asked + ANSWER)
        elif self._due() > now:
            self._look_at(self._due())
        elif self._waited_for():
            self._asked = self._last = now
            self._ask()
            self._look_at(now + ANSWER)
        else:
            self._look_at(now + self._keepalive)

    def _look_at(self, when: float) -> None:
        self._next = when
        self._timer = self._loop.call_at(when, self._look)
