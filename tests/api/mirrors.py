"""A client's copy of a collection, kept by listing and watching as the documentation tells clients to.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.api.processes import ServerProcess, exchange

JSON = dict[str, Any]
END = "the-end"  # the object whose appearance tells a mirror that nothing follows
BROKEN = (ConnectionError, http.client.HTTPException, ssl.SSLError, TimeoutError)


class Expired(Exception):
    """410: the revision is no longer kept."""


@dataclass(frozen=True)
class Habits:
    """How a client reads. `selectors` are query parameters; `stays` how many events it reads of one watch at most."""

    selectors: tuple[tuple[str, str], ...] = ()
    streamed: bool = False  # begins with sendInitialEvents in place of a list
    page: int = 0
    stays: int = 0


class Mirror(threading.Thread):
    """Follows `path` until END appears; `state` holds the objects by name, `seen` counts what happened."""

    def __init__(self, server: ServerProcess, path: str, habits: Habits, seed: int = 0, *, revision: str = "") -> None:
        super().__init__(daemon=True)
        self.state: dict[str, JSON] = {}
        self.seen: Counter[str] = Counter()
        self.failure: BaseException | None = None
        self._server, self._path, self._habits = server, path, habits
        self._random = random.Random(seed)
        self._revision = revision
        self._deadline = time.monotonic() + 60

    def run(self) -> None:
        try:
            while END not in self.state:
                assert time.monotonic() < self._deadline, self.seen
                self._step()
        except BaseException as error:
            self.failure = error

    def result(self) -> dict[str, JSON]:
        self.join(70)
        assert not self.is_alive()
        if self.failure:
            raise self.failure
        return self.state

    def _step(self) -> None:
        try:
            if not self._revision:
                self._begin()
            if END not in self.state:
                self._watch(resourceVersion=self._revision)
        except Expired:
            self.seen["expired"] += 1
            self._revision = ""
        except BROKEN:
            self.seen["broken"] += 1
            time.sleep(0.05)

    def _begin(self) -> None:
        self.seen["begun"] += 1
        if self._habits.streamed:
            self.state = {}
            self._watch(sendInitialEvents="true", resourceVersionMatch="NotOlderThan")
        else:
            self.state, self._revision = listed(self._server, self._path, self._habits)

    def _watch(self, **query: str) -> None:
        """Until the watch ends, or this client has had enough of it."""
        patience = self._random.randrange(1, self._habits.stays + 1) if self._habits.stays else 1 << 30
        for event in self._events(query):
            self._apply(event)
            patience -= 1
            if END in self.state or (patience <= 0 and self._revision):
                return

    def _events(self, query: dict[str, str]) -> Iterator[JSON]:
        connection = self._server.connect()
        options = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "2", **query}
        try:
            connection.request("GET", f"{self._path}?{urlencode([*self._habits.selectors, *options.items()])}")
            answer = connection.getresponse()
            if answer.status == 410:
                raise Expired
            assert answer.status == 200, answer.read()
            for line in answer:
                yield json.loads(line)
        finally:
            connection.close()

    def _apply(self, event: JSON) -> None:
        kind, found = event["type"], event["object"]
        self.seen[kind] += 1
        if kind == "ERROR":
            assert found["code"] == 410, found
            raise Expired
        metadata = found["metadata"]
        name, revision = metadata.get("name"), int(metadata["resourceVersion"])
        beginning = not self._revision  # initial events come in the order of names, not of revisions
        assert beginning or revision > int(self._revision) or (kind == "BOOKMARK" and revision == int(self._revision))
        if kind == "ADDED":
            assert name not in self.state
        elif kind == "MODIFIED":
            assert int(self.state[name]["metadata"]["resourceVersion"]) < revision
        if kind == "DELETED":
            del self.state[name]
        elif kind != "BOOKMARK":
            self.state[name] = found
        if not beginning or kind == "BOOKMARK":
            self._revision = str(revision)


def listed(server: ServerProcess, path: str, habits: Habits) -> tuple[dict[str, JSON], str]:
    """The collection by name, and its revision; in pages where the habits say so. Raises Expired."""
    found: dict[str, JSON] = {}
    token, connection = "", server.connect()
    try:
        while True:
            pages = {"limit": str(habits.page), "continue": token} if habits.page else {}
            reply = exchange(connection, "GET", f"{path}?{urlencode([*habits.selectors, *pages.items()])}")
            if reply.status == 410:
                raise Expired
            assert reply.status == 200, reply.body
            items, metadata = reply.json["items"], reply.json["metadata"]
            assert found.keys().isdisjoint(item["metadata"]["name"] for item in items)
            found |= {item["metadata"]["name"]: item for item in items}
            token = metadata.get("continue", "")
            if not token:
                return found, metadata["resourceVersion"]
    finally:
        connection.close()
