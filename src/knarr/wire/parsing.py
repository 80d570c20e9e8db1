"""From bytes to requests: httptools' callbacks, collected into messages within limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

import httptools
import msgspec

from knarr.wire.heads import field_name
from knarr.wire.limits import PARAMETERS_LIMIT, PATH_LIMIT, SMALL_BODY, Limits, Room
from knarr.wire.messages import Request, Response

_DISCARDED = 16  # times the body limit that is read and thrown away before the answer, so that the client sees it
_PLAIN = {"content-type": "text/plain; charset=utf-8"}
_LATER = {**_PLAIN, "retry-after": "1"}
_NOTHING = Request("", "")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Arrived(msgspec.Struct):
    """A request and what its head said about the connection; or, with `refusal`, what could not be read as one."""

    request: Request
    version: str = "1.1"
    keep_alive: bool = True
    oversized: bool = False
    refusal: Response | None = None
    room: int = 0  # that its body takes up until it is answered


class Receiver(Protocol):
    """Who is told of what has been read."""

    def on_arrived(self, arrived: Arrived) -> None: ...

    def send_continue(self) -> None: ...


class RequestReader:
    """Feeds a parser and reports whole requests. `under_way` while one has begun and not ended."""

    __slots__ = (
        "_body",
        "_fields",
        "_head",
        "_in_head",
        "_left",
        "_limits",
        "_lines",
        "_parser",
        "_receiver",
        "_room",
        "_size",
        "_taken",
        "_url",
        "under_way",
    )

    def __init__(self, limits: Limits, receiver: Receiver, room: Room) -> None:
        self._limits = limits
        self._receiver = receiver
        self._room = room
        self._taken = 0  # of it, by the body under way
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.under_way = False
        self._in_head = True
        self._body: list[bytes] = []
        self._head = 0  # bytes of the head so far, where it comes in pieces

    def feed(self, data: bytes) -> None:
        """Raises HttpParserError for what is not HTTP, HttpParserUpgrade (with the offset) where HTTP ends."""
        if self._parser is None:
            return
        self._parser.feed_data(data)
        if self.under_way and self._in_head:
            self._head += len(data)
            if self._head > self._limits.head:
                self.refuse(431, b"request header fields too large\n")

    def close(self) -> None:
        """Read no further, and let go of the parser and the receiver, which refer back to here: a circle of a lost
        connection would hold its TLS buffers, a quarter of a megabyte, until the garbage collector comes by.
        """
        self._parser = None
        self._room.give_back(self._let_go())
        del self._receiver

    def refuse(self, status: int, text: bytes, headers: Mapping[str, str] = _PLAIN) -> None:
        """Answer so in turn, and read no further."""
        if self._parser is not None:
            self._parser = None
            self.under_way = False
            self._drop()
            self._receiver.on_arrived(Arrived(_NOTHING, keep_alive=False, refusal=Response(status, headers, text)))

    def _drop(self) -> None:
        self._body.clear()
        self._room.give_back(self._let_go())

    def _let_go(self) -> int:
        """What of the room was taken, which is somebody else's to give back."""
        taken, self._taken = self._taken, 0
        return taken

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self.under_way = self._in_head = True
        self._url = b""
        self._fields: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}
        self._body = []
        self._size = self._head = 0
        self._left = self._limits.fields

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """What comes behind a body is left out: whoever checked the head has not seen it (RFC 9110, 6.5.1)."""
        if not self._in_head:
            return
        self._left -= 1
        if self._left < 0:
            self.refuse(431, b"too many request header fields\n")
            return
        field, text = field_name(name), value.decode("latin-1")
        known = self._fields.get(field)
        if known is None:
            self._fields[field] = text
        else:
            self._lines.setdefault(field, [known]).append(text)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._parser is None:
            return
        for field, values in self._lines.items():
            self._fields[field] = ", ".join(values)
        if self._fields.get("expect", "").lower() == "100-continue":
            announced = self._fields.get("content-length", "")
            if not announced.isdecimal() or int(announced) <= self._limits.body:
                self._receiver.send_continue()

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._limits.body:
            if self._size > SMALL_BODY and not self._make_room(self._size - SMALL_BODY):
                return
            self._body.append(data)
        elif self._size > self._limits.body * _DISCARDED:
            self.refuse(413, b"request body too large\n")
        else:
            self._drop()

    def _make_room(self, size: int) -> bool:
        if not self._room.take(size - self._taken):
            self.refuse(429, b"too many large requests at once, please try again later\n", _LATER)
            return False
        self._taken = size
        return True

    def on_message_complete(self) -> None:
        self.under_way = False
        parser = self._parser
        if parser is None:
            return
        version = parser.get_http_version()
        oversized = self._size > self._limits.body
        path, _, query = _target(self._url).partition("?")
        if fault := self._fault(version, path, query):
            self.refuse(*fault)
            return
        method = parser.get_method().decode("latin-1")
        request = Request(method, path, query, self._fields, b"".join(self._body), lines=self._lines)
        keep_alive = parser.should_keep_alive() and not oversized
        self._receiver.on_arrived(Arrived(request, version, keep_alive, oversized, room=self._let_go()))

    def _fault(self, version: str, path: str, query: str) -> tuple[int, bytes] | None:
        """The answer to what must not be read as a request."""
        if "host" not in self._fields and version == "1.1":  # RFC 9112, 3.2
            return 400, b"missing required Host header\n"
        if "host" in self._lines:
            return 400, b"too many Host headers\n"
        if len(path) > PATH_LIMIT:
            return 414, b"request path too long\n"
        if _is_malformed(path) or query.count("&") >= PARAMETERS_LIMIT:
            return 400, b"malformed request target\n"
        return None


def _is_malformed(path: str) -> bool:
    """A `*` is for OPTIONS alone, which nobody has a use for here."""
    return not path.startswith(("/", "*")) or ("%" in path and bool(_NO_ESCAPE.search(path)))


def _target(url: bytes) -> str:
    """Path and query; a proxy's absolute form loses its scheme and authority."""
    text = url.decode("latin-1")
    if text.startswith("/") or "://" not in text:
        return text
    _, slash, rest = text.partition("://")[2].partition("/")
    return slash + rest or "/"
