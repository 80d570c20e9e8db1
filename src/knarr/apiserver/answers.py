"""Answers that are not a resource's: errors, and documents that never change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from knarr.apiserver.media import JSON, negotiate
from knarr.machinery.errors import APIError, NotAcceptable
from knarr.wire.messages import Request, Response

JSON_TYPE = "application/json"
_PLAIN = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}


def plain_answer(text: str, status: int = 200, **headers: str) -> Response:
    """An answer for people, or where upstream does not say it with a Status either."""
    return Response(status, {**_PLAIN, **headers}, text.encode())


NOT_FOUND = plain_answer("404 page not found\n", 404)  # a path that nobody knows
TOO_MANY = plain_answer(  # for whoever is not even looked at now
    "Too many requests, please try again later.\n", 429, **{"retry-after": "1"}
)


def error_answer(error: APIError, request: Request) -> Response:
    """The failure as a `Status` in a form that the client reads: the only place where errors become HTTP."""
    try:
        chosen = negotiate(request.headers.get("accept", "")).media
    except NotAcceptable:
        chosen = JSON
    headers = {"content-type": chosen.name}
    if error.retry_after:
        headers["retry-after"] = str(error.retry_after)
    return Response(error.code, headers, chosen.encode(error.to_status()) + (b"\n" if chosen is JSON else b""))


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has what bears this tag already (RFC 9110, 13.1.2)."""
    tags = request.headers.get("if-none-match", "").split(",")
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in tags)


def json_answer(document: Any, status: int = 200) -> Response:
    return Response(status, {"content-type": JSON_TYPE}, msgspec.json.encode(document))


@dataclass(frozen=True, slots=True)
class Document:
    """A body with its type and entity tag, answered as 304 to whoever has it already."""

    body: bytes
    headers: Mapping[str, str]
    digest: str

    @classmethod
    def of(cls, body: bytes, media_type: str = JSON_TYPE, **headers: str) -> Document:
        digest = hashlib.sha512(body).hexdigest().upper()
        fields = {"content-type": media_type, "etag": f'"{digest}"', "vary": "Accept"}
        return cls(body, {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}, digest)

    def answer(self, request: Request) -> Response:
        if is_known(request, self.headers["etag"]):
            return Response(304, self.headers)
        return Response(200, self.headers, self.body)
