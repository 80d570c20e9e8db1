"""The webhook back-end: batches of events, posted to a server that a kubeconfig file names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from knarr.apiserver.audit.events import listed
from knarr.apiserver.audit.sinks import Failures
from knarr.apiserver.outbound import CallError
from knarr.machinery.clock import Clock

ATTEMPTS, FACTOR, JITTER = 5, 1.5, 0.2
_SECONDS = 30.0  # real ones, of an attempt


class Receiver(Protocol):
    """The server."""

    async def call(self, body: bytes, seconds: float) -> bytes:
        """Post; raises CallError."""

    def close(self) -> None: ...


class Webhook:
    """Posts again whatever was wrong: hardly anything justifies to lose events that might still be taken. `pause` is
    the first, in seconds.
    """

    def __init__(self, receiver: Receiver, pause: float, clock: Clock, failures: Failures) -> None:
        self._receiver, self._pause, self._clock, self._failures = receiver, pause, clock, failures

    async def deliver(self, events: Sequence[bytes]) -> bool:
        body, pause = listed(events), self._pause
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._receiver.call(body, _SECONDS)
                return True
            except CallError as error:
                why = error
            if attempt < ATTEMPTS:
                await self._clock.sleep(pause * (1 + JITTER * random.random()))  # noqa: S311  # not a secret
                pause *= FACTOR
        self._failures.count("webhook", why, len(events))
        return False

    async def close(self) -> None:
        self._receiver.close()
