"""/openapi/v3 and /openapi/v2: documents built when first asked for, kept gzipped, found again by hash.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from knarr import __version__
from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.answers import JSON_TYPE, NOT_FOUND, Document, is_known
from knarr.apiserver.compression import takes_gzip
from knarr.apiserver.elsewhere import Elsewhere, Nowhere
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.media import preferred
from knarr.apiserver.openapi import protobuf
from knarr.apiserver.openapi.documents import Served, version_three, version_two
from knarr.apiserver.openapi.merging import merged
from knarr.apiserver.openapi.newer import newer
from knarr.machinery.errors import NotAcceptable
from knarr.wire.messages import Request, Response

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"  # as asked for
_PROTOBUF_ANSWER = PROTOBUF.replace("@", ".")  # "@" is no character of a media type
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(slots=True)
class _Kept:
    """A document's maker and tag; its gzipped bytes once it has been made."""

    make: Callable[[], bytes]
    digest: str
    media_type: str = JSON_TYPE
    packed: bytes = b""
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def pack(self) -> None:
        """Make the document, unless it is made; several threads may want to."""
        with self._turn:
            if not self.packed:
                self.packed = gzip.compress(self.make(), compresslevel=5, mtime=0)

    def answer(self, request: Request, extra: Mapping[str, str]) -> Response:
        headers = {
            "content-type": self.media_type,
            "etag": f'"{self.digest}"',
            "vary": "Accept, Accept-Encoding",
            **extra,
        }
        if is_known(request, headers["etag"]):
            return Response(304, headers)
        self.pack()
        if takes_gzip(request):
            return Response(200, {**headers, "content-encoding": "gzip"}, self.packed)
        return Response(200, headers, gzip.decompress(self.packed))


class OpenAPI:
    """Answers everything below /openapi. A document is made anew only if its own kinds have changed."""

    def __init__(self, kinds: Kinds, elsewhere: Elsewhere | None = None) -> None:
        self._kinds = kinds
        self._elsewhere = elsewhere or Nowhere()
        self._state: Any = None  # of the kinds and of what is elsewhere, when the documents were looked through
        self._three: dict[str, _Kept] = {}
        self._two = self._two_protobuf = _Kept(bytes, "")
        self._refresh()

    def _refresh(self) -> None:
        state = (self._kinds.generation, self._elsewhere.state())
        if self._state == state:
            return
        self._state, others = state, self._elsewhere.versions()
        everything: Served = [(kind.at(version), version) for kind in self._kinds for version in kind.versions]
        by_path: dict[str, Served] = {}
        for kind, version in everything:
            base = f"apis/{kind.group}" if kind.group else "api"
            by_path.setdefault(f"{base}/{version.name}", []).append((kind, version))
        known, self._three = self._three, {}
        for path, served in by_path.items():
            self._three[path] = self._third_of(known.get(path), path, served)
        for other in others:
            if other.openapi_two.get("paths") and not other.openapi_three:
                self._three[f"apis/{other.group}/{other.version}"] = _converted(other.openapi_two)
        self._urls = {
            f"apis/{version.group}/{version.version}": version.openapi_three
            for version in others
            if version.openapi_three
        }
        parts = [version.openapi_two for version in others]
        digest = _digest("v2", everything, parts)
        if digest != self._two.digest:
            self._two = _Kept(partial(_merged, everything, parts), digest)
            self._two_protobuf = _Kept(partial(_protobuf, everything, parts), f"{digest}P", _PROTOBUF_ANSWER)

    def _third_of(self, known: _Kept | None, path: str, served: Served) -> _Kept:
        """The document of a group and version, the one that there is if it is still right."""
        digest = _digest(path, served)
        if known and known.digest == digest:
            return known
        return _Kept(partial(_json, version_three, served), digest)

    def paths(self) -> list[str]:
        """Every path that is answered."""
        self._refresh()
        return ["/openapi/v2", "/openapi/v3", *(f"/openapi/v3/{path}" for path in self._three)]

    async def prepare(self, request: Request) -> None:
        """Have the document made that is asked for, in a thread: a large one takes 0.1 s. Raises NotAcceptable."""
        self._refresh()
        path = request.path.strip("/")
        kept = self._second(request) if path == "openapi/v2" else self._three.get(path.removeprefix("openapi/v3/"))
        if kept and not kept.packed:
            await asyncio.to_thread(kept.pack)

    def answer(self, request: Request) -> Response:
        """Raises NotAcceptable."""
        self._refresh()
        match request.path.strip("/").split("/", 2):
            case ["openapi", "v2"]:
                return self._second(request).answer(request, {})
            case ["openapi", "v3"]:
                return self._index(request)
            case ["openapi", "v3", path] if path in self._three:
                return self._third(request, path)
        return NOT_FOUND

    def _index(self, request: Request) -> Response:
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={kept.digest}"} for path, kept in self._three.items()
        }
        elsewhere = {path: {"serverRelativeURL": url} for path, url in self._urls.items()}
        return Document.of(msgspec.json.encode({"paths": {**paths, **elsewhere}})).answer(request)

    def _third(self, request: Request, path: str) -> Response:
        """A URL with the right hash may be kept for good; one with an old hash is sent to the new."""
        _chosen(request, JSON_TYPE)
        kept = self._three[path]
        asked = request.parameters().get("hash", [""])[0]
        if asked and asked != kept.digest:
            return Response(301, {"location": f"/openapi/v3/{path}?hash={kept.digest}"})
        return kept.answer(request, {"cache-control": _FOREVER} if asked else {})

    def _second(self, request: Request) -> _Kept:
        chosen = _chosen(request, JSON_TYPE, PROTOBUF, _PROTOBUF_ANSWER)
        return self._two if chosen == JSON_TYPE else self._two_protobuf


def _chosen(request: Request, *offered: str) -> str:
    """Raises NotAcceptable."""
    chosen = preferred(request.headers.get("accept", ""), offered)
    if chosen is None:
        raise NotAcceptable(f"only the following media types are accepted: {', '.join(offered)}")
    return chosen


def _json(make: Callable[[Served], Any], served: Served) -> bytes:
    return msgspec.json.encode(make(served))


def _converted(part: Mapping[str, JSON]) -> _Kept:
    """The document of an aggregated version whose server knows nothing but version 2."""
    data = msgspec.json.encode(newer(part))
    return _Kept(lambda: data, hashlib.sha512(data).hexdigest().upper())


def _merged(served: Served, parts: Sequence[Mapping[str, JSON]]) -> bytes:
    return msgspec.json.encode(merged(version_two(served), parts))


def _protobuf(served: Served, parts: Sequence[Mapping[str, JSON]]) -> bytes:
    return protobuf.document(merged(version_two(served), parts))


def _digest(path: str, served: Served, parts: Sequence[Mapping[str, JSON]] = ()) -> str:
    """A tag that changes with what the document is made of: Knarr's version, the served definitions, others' parts."""
    text = [__version__, path, *(_identity(kind, version) for kind, version in served)]
    text += [msgspec.json.encode(part).decode() for part in parts]
    return hashlib.sha512("\n".join(text).encode()).hexdigest().upper()


def _identity(kind: Kind, version: Version) -> str:
    return f"{kind.plural} {version.definition} {kind.subresources} {version.own.digest if version.own else ''}"
