"""Which right over the node a request takes, and whether the API server grants it.

Each endpoint is a subresource of `nodes`: whoever may read metrics need not be able to run commands. Whoever may use
`nodes/proxy` may do whatever is not told apart (KEP-2862).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from knarr.client.client import Client
from knarr.client.objects import View
from knarr.client.resources import SUBJECT_ACCESS_REVIEWS
from knarr.kubelet.access.callers import Caller
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Forbidden, InternalError
from knarr.machinery.expiring import Expiring

_REMEMBERED = 4096  # decisions
_ALLOWED_FOR, _REFUSED_FOR = 300.0, 30.0  # seconds; authorization.webhook.cacheAuthorizedTTL, cacheUnauthorizedTTL
_VERBS = {"POST": "create", "GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PROXY = "proxy"
_SUBRESOURCES: Mapping[str, tuple[str, ...]] = {
    "checkpoint": ("checkpoint",),
    "configz": ("configz", _PROXY),
    "healthz": ("healthz", _PROXY),
    "logs": ("log",),
    "metrics": ("metrics",),
    "pods": ("pods", _PROXY),
    "runningpods": ("pods", _PROXY),
    "spec": ("spec",),
    "stats": ("stats",),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to do: a verb, on any one of these subresources of the node."""

    verb: str
    subresources: tuple[str, ...]


def wanted(method: str, path: str) -> Wanted:
    """By the first element of the path, which is what the request is routed by, too."""
    return Wanted(_VERBS.get(method, ""), _SUBRESOURCES.get(path.strip("/").partition("/")[0], (_PROXY,)))


class _Status(View, frozen=True):
    allowed: bool = False


class _Review(View, frozen=True):
    status: _Status = msgspec.field(default_factory=_Status)


class Rights:
    """What callers may do on the node called `node`."""

    def __init__(self, client: Client, clock: Clock, node: str) -> None:
        self._client = client
        self._node = node
        self._decided: Expiring[tuple[bytes, str, str], bool] = Expiring(clock, _REMEMBERED)

    async def require(self, caller: Caller, right: Wanted) -> None:
        """Raises Forbidden, and InternalError where the API server cannot be asked."""
        for subresource in right.subresources:
            if await self._may(caller, right.verb, subresource):
                return
        asked = f"user={caller.username}, verb={right.verb}, resource=nodes"
        raise Forbidden(f"Forbidden ({asked}, subresource(s)=[{' '.join(right.subresources)}])")

    async def _may(self, caller: Caller, verb: str, subresource: str) -> bool:
        key = (msgspec.json.encode(caller, order="deterministic"), verb, subresource)
        known = self._decided.get(key)
        if known is None:
            known = await self._ask(caller, verb, subresource)
            self._decided.put(key, known, _ALLOWED_FOR if known else _REFUSED_FOR)
        return known

    async def _ask(self, caller: Caller, verb: str, subresource: str) -> bool:
        about = {"verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": self._node}
        identity = {"user": caller.username, "uid": caller.uid, "groups": caller.groups, "extra": caller.extra}
        spec = {**identity, "resourceAttributes": about}
        try:
            review = await self._client.create(SUBJECT_ACCESS_REVIEWS, {"spec": spec}, view=_Review)
        except (APIError, ConnectionError, TimeoutError) as error:
            asked = f"user={caller.username}, verb={verb}, resource=nodes, subresource={subresource}"
            raise InternalError(f"Authorization error ({asked})") from error
        return review.status.allowed
