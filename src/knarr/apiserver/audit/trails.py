"""What is gathered about a request on its way, by whoever learns it.

The trail of the request that is being served is the context's: what knows something for the audit log says it here, and
need not be told for which request, nor whether anybody records it.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.audit.events import Event, UserInfo, encode
from knarr.apiserver.audit.levels import Decision, Level
from knarr.apiserver.audit.unmanaged import bare_tree
from knarr.apiserver.authn.users import User
from knarr.machinery.times import format_duration

UNDECIDED = Decision()
_LATENCY = "apiserver.latency.k8s.io/"


class Trail:
    """One request's. `event` is there from when it is known that, and how fully, the request is recorded."""

    __slots__ = ("annotations", "decision", "event", "failure", "latencies", "received", "served")

    def __init__(self, received: datetime) -> None:
        self.received = received
        self.annotations: dict[str, str] = {}
        self.latencies: dict[str, float] = {}  # seconds, by layer
        self.decision = UNDECIDED
        self.event: Event | None = None
        self.failure: Exception | None = None  # that nobody expected
        self.served = False  # the next request of this context is another one

    def asked(self, tree: JSON) -> None:
        if (event := self.event) is None or event.request_object:
            return
        if event.object_ref is not None and isinstance(metadata := tree.get("metadata"), dict):
            reference = event.object_ref
            reference.namespace = reference.namespace or metadata.get("namespace") or ""
            reference.name = reference.name or metadata.get("name") or ""
            reference.uid = reference.uid or metadata.get("uid") or ""
            reference.resource_version = reference.resource_version or metadata.get("resourceVersion") or ""
        if self.decision.level >= Level.REQUEST:
            event.request_object = written(tree, self.decision)

    def patched(self, body: Any) -> None:
        if self.event is not None and self.decision.level >= Level.REQUEST:
            self.event.request_object = msgspec.Raw(msgspec.json.encode(body))

    def conclude(self, seconds: float) -> None:
        """Say what took how long, where the whole did."""
        for layer, spent in (*self.latencies.items(), ("total", seconds)):
            self.annotations[f"{_LATENCY}{layer}"] = format_duration(spent)


_current: ContextVar[Trail | None] = ContextVar("audited", default=None)
current = _current.get
follow, forget = _current.set, _current.reset


def asked(tree: JSON) -> None:
    """What the request's body says, in the version that it came in and with its defaults."""
    if (trail := current()) is not None:
        trail.asked(tree)


def patched(body: Any) -> None:
    """What a patch says."""
    if (trail := current()) is not None:
        trail.patched(body)


def annotate(key: str, value: str, level: Level = Level.NONE) -> None:
    """Something for the audit log, where the request is recorded so fully; what the key has said before stays."""
    if (trail := current()) is not None and trail.decision.level >= level:
        trail.annotations.setdefault(key, value)


def authorized(decision: str, reason: str) -> None:
    """What authorizers say: `allow` or `forbid`, and why; "" where they could not say."""
    if (trail := current()) is not None:
        if decision:
            trail.annotations["authorization.k8s.io/decision"] = decision
        trail.annotations["authorization.k8s.io/reason"] = reason


def failed(error: Exception) -> None:
    """What nobody expected has happened."""
    if (trail := current()) is not None:
        trail.failure = error


def impersonated(user: User, constraint: str = "") -> None:
    """The request is made as somebody else; `constraint` is the verb that allowed it, where that was a limited one."""
    if (trail := current()) is None or (event := trail.event) is None:
        return
    event.impersonated_user = UserInfo.of(user)
    if constraint:
        event.authentication_metadata = {"impersonationConstraint": constraint}


def remarks() -> dict[str, str]:
    """What is said of the request besides, to add to."""
    trail = current()
    return {} if trail is None else trail.annotations


def spent(layer: str, seconds: float, *, at_once: bool = False) -> None:
    """A layer of the server has taken so long, beside what it took before, or `at_once` with it."""
    if (trail := current()) is not None:
        before = trail.latencies.get(layer, 0.0)
        trail.latencies[layer] = max(before, seconds) if at_once else before + seconds


def written(tree: Any, decision: Decision) -> msgspec.Raw:
    """An object as the policy wants it recorded."""
    return msgspec.Raw(encode(bare_tree(tree) if decision.without_managed_fields else tree))
