"""One certificate of the kubelet, always there and always good: a new one is asked for long before the old one ends.

When exactly is drawn between 70 and 90 % of its life, so that the kubelets of a cluster do not come all at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from knarr.kubelet.certificates.pairs import Pair, RefusedError
from knarr.kubelet.certificates.store import Store
from knarr.machinery.certificates import Certificate
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError
from knarr.runtime.backoff import Backoff

log = logging.getLogger(__name__)

EARLIEST, SPREAD = 0.7, 0.2  # shares of a certificate's life
LOOK = 3600.0  # most seconds between looks: the file may be replaced by hand, and a machine that sleeps stops the clock
FIRST_PAUSE, LONGEST_PAUSE, JITTER = 2.0, 32.0, 0.1  # seconds between attempts, and their share that is drawn


class Manager:
    """Keeps the store's certificate current. `ask` gets a new one, for `names` where it is a server's.

    `rotated` is told the age in seconds of what was replaced, `failed` of each attempt that came to nothing.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ask: Callable[[], Awaitable[Pair]],
        *,
        names: Callable[[], Iterable[str]] = tuple,
        rotated: Callable[[float], None] = lambda age: None,
        failed: Callable[[], None] = lambda: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._clock, self._ask = store, clock, ask
        self._names, self._rotated, self._failed, self._draw = names, rotated, failed, draw
        self._drawn: tuple[Certificate, datetime] | None = None  # the moment is drawn once for each certificate
        self._there = asyncio.Event()

    async def there(self) -> None:
        """Wait until there is a certificate that holds."""
        await self._there.wait()

    async def run(self) -> None:
        """Until cancelled: a kubelet does not give up."""
        pauses = Backoff(FIRST_PAUSE, LONGEST_PAUSE, JITTER, self._draw)
        while True:
            if self._holding():
                self._there.set()
            if (seconds := self._due_in()) > 0:
                pauses.reset()
                await self._clock.sleep(min(seconds, LOOK))
                continue
            await self._rotate()
            if self._due_in() <= 0:
                await self._clock.sleep(pauses.next())

    def _due_in(self) -> float:
        """Seconds until a new certificate should be asked for."""
        found = self._holding()
        if found is None or not found.names >= {*self._names()}:
            return 0.0
        if self._drawn is None or self._drawn[0] != found:
            self._drawn = found, found.begins + found.life * (EARLIEST + SPREAD * self._draw())
        return (self._drawn[1] - self._clock.now()).total_seconds()

    def _holding(self) -> Certificate | None:
        found = self._store.read()
        return found if found and self._clock.now() < found.ends else None

    async def _rotate(self) -> None:
        before = self._store.read()
        try:
            pair = await self._ask()
            self._store.keep(pair.certificate, pair.key, self._clock.now())
        except (APIError, RefusedError, OSError) as error:  # ConnectionError and TimeoutError are OSErrors
            self._failed()
            log.warning("%s: no new certificate: %s", self._store.current, error)
            return
        log.info("%s: a new certificate", self._store.current)
        if before:
            self._rotated((self._clock.now() - before.begins).total_seconds())
