"""A transport that is its own server: objects in a dict, one history of events, and scripted misfortune."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from knarr.machinery.errors import AlreadyExists, APIError, Conflict, Gone, NotFound
from knarr.machinery.patches import merge_patch
from knarr.wire.messages import Duplex, Request, Response, StreamedResponse

JSON = dict[str, Any]


@dataclass
class Stream:
    """A watch as its client sees it: None ends it, an exception cuts it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: asyncio.Queue[bytes | Exception | None] = field(default_factory=asyncio.Queue)
    path: str = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self.chunks.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def close(self) -> None:
        self.status = 0


@dataclass
class FakeAPI:
    """Plays the server; `requests` is what it was asked, without reads."""

    objects: dict[str, JSON] = field(default_factory=dict)  # by path
    version: int = 0
    compacted: int = 0
    history: list[tuple[int, str, str, JSON]] = field(default_factory=list)  # version, type, path, object
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    errors: list[tuple[str, str, Exception]] = field(default_factory=list)  # method, in path, what happens; once each
    streams: list[Stream] = field(default_factory=list)

    def put(self, path: str, obj: JSON) -> JSON:
        """Write an object and tell the watches."""
        self.version += 1
        known = self.objects.get(path)
        meta = {"name": path.rpartition("/")[2], "uid": f"uid-{self.version}", **obj.get("metadata", {})}
        meta["resourceVersion"] = str(self.version)
        if known:
            meta["uid"] = known["metadata"]["uid"]
        namespace, slash, _ = path.partition("/namespaces/")[2].partition("/")
        if slash:
            meta.setdefault("namespace", namespace)
        self.objects[path] = {**obj, "metadata": meta}
        self._tell("MODIFIED" if known else "ADDED", path)
        return self.objects[path]

    def remove(self, path: str) -> None:
        self.version += 1
        self.objects[path]["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", path)
        del self.objects[path]

    def fail(self, method: str, path: str, error: Exception, times: int = 1) -> None:
        """The next requests of this method with `path` in theirs end so."""
        self.errors += [(method, path, error)] * times

    def end_watches(self, how: Exception | None = None) -> None:
        for stream in self.streams:
            stream.chunks.put_nowait(how)
        self.streams.clear()

    def send(self, *frames: JSON) -> None:
        """Raw frames to every watch."""
        for stream in self.streams:
            for frame in frames:
                stream.chunks.put_nowait(msgspec.json.encode(frame) + b"\n")

    async def request(self, request: Request) -> Response:
        body = msgspec.json.decode(request.body) if request.body else None
        if request.method == "GET":
            self.reads.append(f"{request.path}?{request.query}" if request.query else request.path)
        else:
            self.requests.append((request.method, request.path, body))
        await asyncio.sleep(0)
        try:
            self._misfortune(request)
            return Response(200, {}, msgspec.json.encode(self._answer(request, body)))
        except APIError as error:
            return Response(error.code, {}, msgspec.json.encode(error.to_status()))

    async def stream(self, request: Request) -> StreamedResponse:
        self.reads.append(f"{request.path}?{request.query}")
        after = int(request.parameters()["resourceVersion"][0])
        stream = Stream(path=request.path)
        try:
            self._misfortune(request)
            if after < self.compacted:
                raise Gone(f"too old resource version: {after} ({self.compacted})")
        except APIError as error:
            stream.status = error.code
            stream.chunks.put_nowait(msgspec.json.encode(error.to_status()))
            stream.chunks.put_nowait(None)
            return stream
        self.streams.append(stream)
        for version, kind, path, obj in self.history:
            if version > after and _inside(path, request.path):
                stream.chunks.put_nowait(_frame(kind, obj))
        return stream

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        return Response(400), None

    async def close(self) -> None:
        self.end_watches()

    def _misfortune(self, request: Request) -> None:
        for scripted in self.errors:
            method, path, error = scripted
            if method in (request.method, "WATCH" if "watch=true" in request.query else "") and path in request.path:
                self.errors.remove(scripted)
                raise error

    def _tell(self, kind: str, path: str) -> None:
        obj = self.objects[path]
        self.history.append((self.version, kind, path, obj))
        for stream in self.streams:
            if _inside(path, stream.path):
                stream.chunks.put_nowait(_frame(kind, obj))

    def _answer(self, request: Request, body: Any) -> JSON:
        path = request.path.removesuffix("/status").removesuffix("/binding").removesuffix("/approval")
        match request.method:
            case "GET" if path in self.objects:
                return self.objects[path]
            case "GET" if path.rpartition("/")[2].endswith("s"):
                items = [o for p, o in self.objects.items() if _inside(p, path)]
                return {"metadata": {"resourceVersion": str(self.version)}, "items": items}
            case "POST":
                return self._create(path, body)
            case "PUT" | "PATCH" | "DELETE" if path in self.objects:
                return self._write(request.method, path, body)
        raise NotFound(f'"{path}" not found')

    def _create(self, path: str, body: JSON) -> JSON:
        meta = dict(body["metadata"])
        meta.setdefault("name", f"{meta.get('generateName', '')}{self.version:05}")
        if f"{path}/{meta['name']}" in self.objects:
            raise AlreadyExists(f'"{meta["name"]}" already exists')
        return self.put(f"{path}/{meta['name']}", {**body, "metadata": meta})

    def _write(self, method: str, path: str, body: JSON) -> JSON:
        known = self.objects[path]
        if method == "DELETE":
            self.remove(path)
            return {"kind": "Status", "status": "Success"}
        expected = body.get("metadata", {}).get("resourceVersion", known["metadata"]["resourceVersion"])
        if expected != known["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self.put(path, body if method == "PUT" else merge_patch(known, body))


def _frame(kind: str, obj: JSON) -> bytes:
    return msgspec.json.encode({"type": kind, "object": obj}) + b"\n"


def _inside(path: str, collection: str) -> bool:
    """Whether the object at `path` is of the collection, which may be that of all namespaces."""
    folder = path.rpartition("/")[0]
    return folder == collection or (
        "/namespaces/" in folder and folder.split("/namespaces/")[0] + "/" + folder.rpartition("/")[2] == collection
    )
