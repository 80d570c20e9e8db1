"""Answers that are not a resource's: errors, and documents that never change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from knarr.machinery.errors import APIError
from knarr.wire.messages import Request, Response

JSON_TYPE = "application/json"
NOT_FOUND = Response(  # what upstream's mux says of a path that it does not know
    404, {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}, b"404 page not found\n"
)


def error_answer(error: APIError) -> Response:
    """The failure as a `Status`: the only place where errors become HTTP."""
    headers = {"content-type": JSON_TYPE}
    if error.retry_after:
        headers["retry-after"] = str(error.retry_after)
    return Response(error.code, headers, msgspec.json.encode(error.to_status()) + b"\n")


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
        known = request.headers.get("if-none-match", "")
        if self.headers["etag"] in [tag.strip() for tag in known.split(",")]:
            return Response(304, self.headers)
        return Response(200, self.headers, self.body)
