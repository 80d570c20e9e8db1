"""Whether one of several servers leads, and for how long it may be silent: upstream's --leader-elect flags."""

from __future__ import annotations

import msgspec

_JITTER = 1.2  # by how much a retry may be late


class Elections(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds, upstream's by default. `elect` None: where the datastore may be shared."""

    elect: bool | None = None
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    resource_namespace: str = "kube-system"

    def problems(self) -> list[str]:
        """What keeps a leader from holding its lease, in upstream's words."""
        found = []
        if self.lease_duration < 1:
            found.append("leaseDuration must be at least one second")
        if self.lease_duration <= self.renew_deadline:
            found.append("leaseDuration must be greater than renewDeadline")
        if self.renew_deadline <= self.retry_period * _JITTER:
            found.append("renewDeadline must be greater than retryPeriod*JitterFactor")
        if self.retry_period <= 0:
            found.append("retryPeriod must be greater than zero")
        return found
