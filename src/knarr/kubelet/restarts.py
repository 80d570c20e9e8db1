"""How long a failing thing waits before it is tried again: 10 s, doubled to 300 s, forgotten after 10 quiet minutes.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST, LONGEST = 10.0, 300.0  # seconds
FORGOTTEN = 600.0  # seconds since the last failure


@dataclass(slots=True)
class Delay:
    seconds: float
    since: float


@dataclass(slots=True)
class Restarts:
    """The waits of many things by key; the caller's clock counts."""

    delays: dict[str, Delay] = field(default_factory=dict)

    def remaining(self, key: str, failed_at: float, now: float) -> float:
        """Seconds that are left of the wait after a failure at `failed_at`; 0 where it may be tried now."""
        delay = self.delays.get(key)
        if delay is None or self.forgotten(delay, failed_at):
            return 0.0
        return max(0.0, failed_at + delay.seconds - now)

    def forgotten(self, delay: Delay, failed_at: float) -> bool:
        return failed_at - delay.since > FORGOTTEN

    def seconds(self, key: str) -> float:
        """The length of the wait as it stands."""
        return self.delays[key].seconds if key in self.delays else 0.0

    def tried(self, key: str, now: float) -> None:
        """It is tried again now: the next wait is longer."""
        delay = self.delays.get(key)
        fresh = delay is None or self.forgotten(delay, now)
        self.delays[key] = Delay(FIRST if fresh or delay is None else min(LONGEST, delay.seconds * 2), now)

    def reset(self, key: str) -> None:
        self.delays.pop(key, None)
