"""An API in-process, over memory unless another store is chosen: requests and answers as clients have them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from knarr.api.kinds.table import KINDS
from knarr.apiserver.api import API
from knarr.apiserver.authn.users import User
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import parse
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.registry import Options
from knarr.apiserver.request import APIRequest
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import APIError
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.storage.store import Store
from knarr.wire.messages import Request, Response, Streaming
from tests.stores import CHOSEN

JSON = dict[str, Any]
ADMIN = User("admin", groups=("system:masters",))
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def settle() -> None:
    """Let every task that can go on do so; a store that is not memory takes its time."""
    for _ in range(10):
        await asyncio.sleep(0.01 if CHOSEN else 0)


@dataclass
class Reply:
    """An answer, decoded."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Stream:
    """A watch's sink: what was written, and how it ended."""

    data: bytearray = field(default_factory=bytearray)
    closed: bool = False
    aborted: bool = False
    waiting: int = 0  # bytes that the reader is said to have left
    largest: int = 0  # bytes written at once
    callbacks: list[Callable[[], None]] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.data += data
            self.largest = max(self.largest, len(data))

    def close(self) -> None:
        self.closed = True
        for callback in self.callbacks:
            callback()

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def pending(self) -> int:
        return self.waiting

    def on_close(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    async def drain(self) -> None:
        return

    def take(self) -> list[JSON]:
        """The events since the last call."""
        lines, self.data = self.data.splitlines(), bytearray()
        return [json.loads(line) for line in lines]

    def brief(self) -> list[tuple[str, str]]:
        """The events since the last call, as type and name."""
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in self.take()]


class Server:
    """The API and its store; failures come back as replies with their Status."""

    def __init__(self, options: Options | None = None, store: Store | None = None) -> None:
        self.clock, self.store, self.options = VirtualClock(), store or MemoryStore(), options
        self.restart()

    def restart(self) -> None:
        """A new server over the same store; its cache is still to be started."""
        kinds = Kinds(KINDS)
        self.cache = WatchCache(self.store, index_of(kinds), clock=self.clock)
        self.api = API(kinds, self.store, self.cache, self.clock, self.options)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "",
        accept: str = "",
        agent: str = "",
        **query: str,
    ) -> Reply:
        try:
            answer = await self._handle(method, path, body, content_type, accept, query, agent)
        except APIError as error:
            return Reply(error.code, {}, json.dumps(error.to_status()).encode())
        assert isinstance(answer, Response)
        return Reply(answer.status, dict(answer.headers), answer.body)

    async def watch(self, path: str, *, accept: str = "", **query: str) -> Stream:
        answer = await self._handle("GET", path, None, "", accept, {"watch": "true", **query})
        assert isinstance(answer, Streaming)
        stream = Stream()
        answer.start(stream)
        return stream

    async def _handle(
        self,
        method: str,
        path: str,
        body: Any,
        content_type: str,
        accept: str,
        query: dict[str, str],
        agent: str = "",
    ) -> Any:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"accept": accept, "user-agent": agent}
        headers = {"content-type": content_type or "application/json", **{k: v for k, v in given.items() if v}}
        text = urlencode(query)
        http = Request(method, path, text, headers, data)
        return await self.api.handle(APIRequest(http, parse(method, path, text), ADMIN, http.parameters()))

    async def get(self, path: str, **rest: str) -> Reply:
        return await self.request("GET", path, **rest)

    async def post(self, path: str, body: Any, **rest: str) -> Reply:
        return await self.request("POST", path, body, **rest)

    async def put(self, path: str, body: Any, **rest: str) -> Reply:
        return await self.request("PUT", path, body, **rest)

    async def patch(self, path: str, body: Any, content_type: str = MERGE, **rest: str) -> Reply:
        return await self.request("PATCH", path, body, content_type=content_type, **rest)

    async def delete(self, path: str, body: Any = None, **rest: str) -> Reply:
        return await self.request("DELETE", path, body, **rest)
