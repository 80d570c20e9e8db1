"""Heads of messages as bytes: the start line and the fields."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

from knarr.wire.messages import Request

_SHORT = 100  # characters of a field's name that is remembered
BODILESS = frozenset((204, 304))  # answers that have neither a body nor a Content-Length


class HeadError(ValueError):
    """A field holds a line break: sent on, it would end the head."""


def response_head(status: int, headers: Mapping[str, str], framing: str) -> bytes:
    """The head of an answer; `framing` is the field that says how its body ends."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    _check(fields, len(headers))
    return f"{_status_line(status)}{_date(int(time.time()))}{fields}{framing}\r\n".encode()


def request_head(request: Request, prefix: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request, with `prefix` before its path; the request's own fields win over `headers`."""
    target = f"{prefix}{request.path}?{request.query}" if request.query else prefix + request.path
    merged = {**headers, **request.headers}
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        merged["content-length"] = str(len(request.body))
    lines = [f"{name}: {value}\r\n" for name, value in (*merged.items(), *request.repeated)]
    fields = "".join(lines)
    _check(fields, len(lines))
    if any(ord(character) <= 32 for character in target):
        raise HeadError(f"{target!r} is not a request target")
    return f"{request.method} {target} HTTP/1.1\r\n{fields}\r\n".encode()


def field_name(name: bytes) -> str:
    """A field's name as messages have it."""
    return _known_name(name) if len(name) < _SHORT else name.lower().decode("latin-1")


@lru_cache(maxsize=256)
def _known_name(name: bytes) -> str:
    """The few that there are come again with every message."""
    return name.lower().decode("latin-1")


def _check(fields: str, count: int) -> None:
    if fields.count("\n") != count or fields.count("\r") != count:
        raise HeadError("a header's value holds a line break")


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n"


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """The Date field, written anew once a second (RFC 9110, 6.6.1)."""
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second))
