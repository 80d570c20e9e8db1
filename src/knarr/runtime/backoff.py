"""How long to wait after failures: exponentially longer, up to a bound, with jitter where many might wait in step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


def exponential(base: float, cap: float, failures: int) -> float:
    """Seconds to wait after so many failures in a row (0 for the first)."""
    return min(cap, base * 2.0 ** min(failures, 64))


@dataclass(slots=True)
class Backoff:
    """The waits of one thing that is retried: `next()` grows them, `reset()` starts over.

    Each is drawn from between (1 - jitter) of its length and the whole, so that clients of a restarted server do
    not come back at once.
    """

    base: float = 0.05
    cap: float = 30.0
    jitter: float = 0.5
    draw: Callable[[], float] = random.random
    failures: int = field(default=0, init=False)

    def next(self) -> float:
        seconds = exponential(self.base, self.cap, self.failures)
        self.failures += 1
        return seconds * (1 - self.jitter * self.draw())

    def reset(self) -> None:
        self.failures = 0
