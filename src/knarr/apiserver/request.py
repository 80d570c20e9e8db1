"""What the resource handlers are given, and what every request is called by."""

from __future__ import annotations

import random

import msgspec
from msgspec.structs import replace

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


def uri(http: Request) -> str:
    """What the request line names."""
    return f"{http.path}?{http.query}" if http.query else http.path


def audit_id(http: Request) -> str:
    """The request's own name: the client's where it gave one, else a new one each time that this is asked."""
    return http.headers.get("audit-id") or _random_uuid()


def identified(http: Request) -> Request:
    """The request with a name that stays."""
    return http if http.headers.get("audit-id") else replace(http, headers={**http.headers, "audit-id": _random_uuid()})


def _random_uuid() -> str:
    """A version 4 UUID from the fast generator: an audit id has to be unique, not secret."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
