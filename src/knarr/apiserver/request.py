"""What the resource handlers are given."""

from __future__ import annotations

import msgspec

from knarr.apiserver.authn.users import User
from knarr.apiserver.info import RequestInfo
from knarr.wire.messages import Request


class APIRequest(msgspec.Struct, frozen=True):
    """A request that is authenticated and authorized: the message, what it asks for, and for whom."""

    http: Request
    info: RequestInfo
    user: User
    parameters: dict[str, list[str]]  # the decoded query

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.parameters.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return truthy(self.parameters.get(name))


def truthy(values: list[str] | None) -> bool:
    """A boolean as upstream reads it from a query: only absence, "false" and "0" are false."""
    return bool(values and values[0].lower() not in ("false", "0"))
