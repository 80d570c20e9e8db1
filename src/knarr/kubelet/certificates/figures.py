"""What the kubelet tells of its certificates, as upstream's does.

https://kubernetes.io/docs/reference/instrumenting/metrics/
"""

from __future__ import annotations

from knarr.kubelet.certificates.store import Store
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Family, Figures

_NAME = "kubelet_certificate_manager"
_HOUR, _DAY = 3600.0, 86400.0

CLIENT_TTL = Family(
    f"{_NAME}_client_ttl_seconds",
    "gauge",
    "Seconds until the kubelet's client certificate ends, negative if it has; +Inf without one.",
)
SERVER_TTL = Family(
    f"{_NAME}_server_ttl_seconds",
    "gauge",
    "Seconds until the kubelet's serving certificate ends, negative if it has; +Inf without one.",
)
RENEW_ERRORS = Family(
    f"{_NAME}_client_expiration_renew_errors", "counter", "Attempts to renew a certificate that came to nothing."
)
SERVER_ROTATION = Family(
    f"{_NAME}_server_rotation_seconds",
    "histogram",
    "How old serving certificates were when they were replaced.",
    bounds=(60.0, _HOUR, 4 * _HOUR, *(days * _DAY for days in (1, 7, 30, 90, 180, 360, 1440))),
)


def tell_of(figures: Figures, family: Family, store: Store, clock: Clock) -> None:
    """How long the store's certificate will hold."""

    def left() -> float:
        found = store.read()
        return (found.ends - clock.now()).total_seconds() if found else float("inf")

    figures.ask(family, lambda: [((), left())])
