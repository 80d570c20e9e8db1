"""Who comes, who is believed, and what is allowed."""

from __future__ import annotations

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Count, Family

_RESULT = ("result",)
AUTHENTICATION = Family("authentication_attempts", "counter", "Counter of authenticated attempts.", _RESULT)
AUTHENTICATION_DURATION = Family(
    "authentication_duration_seconds",
    "histogram",
    "Authentication duration in seconds broken out by result.",
    _RESULT,
    tuple(0.001 * 2**n for n in range(15)),
)
_ATTEMPTS = ("success", "failure", "error")  # without credentials where there have to be some; with bad ones
AUTHORIZATION = Family(
    "authorization_attempts_total",
    "counter",
    "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or "
    "'error'.",
    _RESULT,
)
USERS = Family(
    "authenticated_user_requests", "counter", "Counter of authenticated requests broken out by username.", ("username",)
)
AUDITED = Family(
    "apiserver_audit_event_total", "counter", "Counter of audit events generated and sent to the audit backend."
)
UNAUDITED = Family(
    "apiserver_audit_requests_rejected_total",
    "counter",
    "Counter of apiserver requests rejected due to an error in audit logging backend.",
)
LEVELS = Family(
    "apiserver_audit_level_total",
    "counter",
    "Counter of policy levels for audit events (1 per request).",
    ("level",),
)
_HOUR, _DAY = 3600, 86400
CERTIFICATES = Family(
    "apiserver_client_certificate_expiration_seconds",
    "histogram",
    "Distribution of the remaining lifetime on the certificate used to authenticate a request.",
    (),
    (0, _HOUR / 2, *(_HOUR * n for n in (1, 2, 6, 12)), *(_DAY * n for n in (1, 2, 4, 7, 30, 90, 180, 360))),
)
_TOLD_BY_NAME = frozenset(("admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"))


class Access:
    """Counts of one server."""

    def __init__(self, metrics: Metrics) -> None:
        metrics.count(AUDITED)  # both are shown where there is no audit, too
        metrics.count(UNAUDITED)
        self.attempts = {result: metrics.spread(AUTHENTICATION_DURATION, (result,)) for result in _ATTEMPTS}
        self.believed = self.attempts["success"]
        metrics.ask(AUTHENTICATION, lambda: [((one,), sum(spread.counts)) for one, spread in self.attempts.items()])
        self.allowed = metrics.count(AUTHORIZATION, ("allowed",))
        self.denied = metrics.count(AUTHORIZATION, ("denied",))
        self.undecided = metrics.count(AUTHORIZATION, ("no-opinion",))
        self.failed = metrics.count(AUTHORIZATION, ("error",))
        self._users = {name: metrics.count(USERS, (name,)) for name in _TOLD_BY_NAME}
        self._others, self._addresses = metrics.count(USERS, ("other",)), metrics.count(USERS, ("email_id",))

    def of(self, user: str) -> Count:
        """The requests of a user, or of those who are told together with it."""
        return self._users.get(user) or (self._addresses if "@" in user else self._others)
