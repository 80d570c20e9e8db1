"""Clients that list and watch while others write end with what the server has, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from knarr.storage.cache import HISTORY
from tests.api.mirrors import BROKEN, END, Habits, Mirror, listed
from tests.api.processes import PATIENCE, Reply, ServerProcess, configured, exchange, launched

JSON = dict[str, Any]
MERGE = "application/merge-patch+json"
WRITERS, KEPT = 16, HISTORY + HISTORY // 8
RED, NOT_DONE = (("labelSelector", "color=red"),), (("fieldSelector", "status.phase!=Succeeded"),)
COLORS, PHASES = ("red", "green"), ("Pending", "Running", "Succeeded")
HABITS = {
    "everything": Habits(),
    "in pages": Habits(page=3),
    "by label": Habits(RED),
    "by field": Habits(NOT_DONE),
    "by label and field, hanging up": Habits(RED + NOT_DONE, stays=8),
    "hanging up": Habits(stays=5),
    "streamed": Habits(streamed=True),
    "streamed by label, hanging up": Habits(RED, streamed=True, stays=8),
}


def pod(name: str, color: str = "red") -> JSON:
    spec = {"containers": [{"name": "c", "image": "i"}]}
    return {"metadata": {"name": name, "labels": {"color": color}}, "spec": spec}


class Writer(threading.Thread):
    """Creates, changes and deletes Pods at random; remembers of each what it was last told of it."""

    def __init__(self, server: ServerProcess, path: str, name: str, seed: int, actions: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: dict[str, int] = {}  # revision of the last write of each Pod that is there
        self.failure: BaseException | None = None
        self._server, self._path, self._name, self._actions = server, path, name, actions
        self._random = random.Random(seed)

    def run(self) -> None:
        try:
            for number in range(self._actions):
                self._act(f"{self._name}-{self._random.randrange(6)}", number)
        except BaseException as error:
            self.failure = error

    def done(self) -> None:
        self.join(60)
        assert not self.is_alive()
        if self.failure:
            raise self.failure

    def _act(self, name: str, number: int) -> None:
        one, choice = f"{self._path}/{name}", self._random.random()
        if name not in self.acknowledged:
            reply = self._send("POST", self._path, pod(name, self._random.choice(COLORS)))
        elif choice < 0.2:
            reply = self._send("DELETE", f"{one}?gracePeriodSeconds=0")
        elif choice < 0.6:
            labels = {"color": self._random.choice((*COLORS, None)), "n": str(number)}
            reply = self._send("PATCH", one, {"metadata": {"labels": labels}}, MERGE)
        else:
            status = {"phase": self._random.choice(PHASES), "message": str(number)}
            reply = self._send("PATCH", f"{one}/status", {"status": status}, MERGE)
        self._remember(name, name in self.acknowledged and choice < 0.2, reply)

    def _remember(self, name: str, deleted: bool, reply: Reply | None) -> None:
        """An answer that was lost leaves it open what there is: ask."""
        if reply is None:
            deleted, reply = False, self._until_answered(f"{self._path}/{name}")
        assert reply.status in (200, 201, 404), reply.body
        if deleted or reply.status == 404:
            self.acknowledged.pop(name, None)
        else:
            self.acknowledged[name] = int(reply.json["metadata"]["resourceVersion"])

    def _send(self, *request: Any) -> Reply | None:
        try:
            return self._server.send(*request)
        except BROKEN:
            return None

    def _until_answered(self, path: str) -> Reply:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if reply := self._send("GET", path):
                return reply
            time.sleep(0.05)
        raise AssertionError("the server did not come back")


def converge(server: ServerProcess, path: str, mirrors: dict[str, Mirror]) -> dict[str, JSON]:
    """Tell the mirrors that it is over, and compare what they have with what the server has. Returns that."""
    assert server.send("POST", path, pod(END)).status == 201
    for name, mirror in mirrors.items():
        expected, _ = listed(server, path, HABITS[name])
        assert without_end(mirror.result()) == without_end(expected), (name, mirror.seen)
    return listed(server, path, Habits())[0]


def without_end(state: dict[str, JSON]) -> dict[str, JSON]:
    """The scheduler may have had its say on the last Pod after a mirror stopped."""
    return {name: tree for name, tree in state.items() if name != END}


@pytest.mark.parametrize("seed", range(3))
def test_mirrors_end_with_the_servers_state(process: ServerProcess, namespace: str, seed: int) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    writers = [Writer(process, path, f"w{n}", seed * 100 + n, actions=60) for n in range(3)]
    mirrors = {name: Mirror(process, path, habits, seed) for name, habits in HABITS.items()}
    for thread in (*writers, *mirrors.values()):
        thread.start()
    for writer in writers:
        writer.done()
    found = converge(process, path, mirrors)
    assert without_end(found).keys() == {name for writer in writers for name in writer.acknowledged}
    assert mirrors["everything"].seen["begun"] == 1
    assert sum(mirror.seen["broken"] + mirror.seen["expired"] for mirror in mirrors.values()) == 0


class Phoenix:
    """A server that is killed and started again over the same data."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "server.log"
        self.server = launched(configured(directory), self._log)

    def kill(self) -> None:
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(PATIENCE)

    def start(self) -> None:
        self.server = launched(self.server.config, self._log)


@pytest.fixture
def phoenix(tmp_path: Path) -> Iterator[Phoenix]:
    found = Phoenix(tmp_path)
    yield found
    found.kill()


# http.client leaves its socket to the collector where the server dies in the middle of a handshake
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_watches_go_on_where_they_were_after_the_server_was_killed(phoenix: Phoenix) -> None:
    path = "/api/v1/namespaces/default/pods"
    writers = [Writer(phoenix.server, path, f"w{n}", n, actions=80) for n in range(3)]
    mirrors = {name: Mirror(phoenix.server, path, habits) for name, habits in HABITS.items()}
    for thread in (*writers, *mirrors.values()):
        thread.start()
    for _ in range(3):
        time.sleep(0.4)
        phoenix.kill()
        phoenix.start()
    for writer in writers:
        writer.done()
    found = converge(phoenix.server, path, mirrors)
    known = {name: revision for writer in writers for name, revision in writer.acknowledged.items()}
    assert without_end(found).keys() == known.keys()
    assert all(int(found[name]["metadata"]["resourceVersion"]) >= revision for name, revision in known.items())
    seen = mirrors["everything"].seen
    assert (seen["begun"], seen["expired"], seen["broken"] > 0) == (1, 0, True)


def watch(server: ServerProcess, path: str, **query: Any) -> list[JSON]:
    """The events of a watch of one second."""
    text = "&".join(f"{name}={value}" for name, value in {"watch": 1, "timeoutSeconds": 1, **query}.items())
    return [json.loads(line) for line in server.send("GET", f"{path}?{text}").body.splitlines()]


def test_a_watch_resumed_after_a_restart_misses_nothing_and_repeats_nothing(phoenix: Phoenix) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    made = [phoenix.server.send("POST", path, {"metadata": {"name": f"c{n}"}}).json for n in range(5)]
    phoenix.server.send("DELETE", f"{path}/c3")
    phoenix.kill()
    phoenix.start()
    events = watch(phoenix.server, path, resourceVersion=made[1]["metadata"]["resourceVersion"])
    told = [(event["type"], event["object"]["metadata"].get("name")) for event in events]
    assert [event for event in told if str(event[1]).startswith("c")] == [
        ("ADDED", "c2"),
        ("ADDED", "c3"),
        ("ADDED", "c4"),
        ("DELETED", "c3"),
    ]


UNREAD, SIZE, CHANGES = 30, 300_000, 45  # watches that nobody reads; bytes of the object that changes under them


def memory(server: ServerProcess) -> int:
    """Resident bytes of the server's process."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def hang_on(server: ServerProcess, path: str) -> socket.socket:
    """A watch that is begun and never read; the machine takes as little for it as possible."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", server.config.api_port))
    watcher = server.tls().wrap_socket(plain, server_hostname="127.0.0.1")
    watcher.sendall(f"GET {path}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return watcher


def test_watches_that_nobody_reads_are_dropped_and_cost_little_until_then(phoenix: Phoenix) -> None:
    server, path = phoenix.server, "/api/v1/namespaces/default/configmaps"
    assert server.send("POST", path, {"metadata": {"name": "a"}, "data": {"a": "x" * SIZE}}).status == 201
    unread = [hang_on(server, path) for _ in range(UNREAD)]
    before, connection = memory(server), server.connect()
    for number in range(CHANGES):
        reply = exchange(connection, "PATCH", f"{path}/a", {"data": {"n": str(number)}}, MERGE)
        assert reply.status == 200
    grown = memory(server) - before
    said = [len(drained(watcher)) for watcher in unread]
    connection.close()
    assert max(said) < CHANGES * SIZE
    assert grown < UNREAD * 3_000_000  # not the 8 MiB for each that may wait


def drained(watcher: socket.socket) -> bytes:
    """What had reached this side when the server gave it up."""
    said = b""
    with suppress(OSError), watcher:
        while data := watcher.recv(1 << 20):
            said += data
    return said


def test_five_hundred_watches_see_the_same(process: ServerProcess, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    begun = listed(process, path, Habits())[1]
    made = asyncio.run(watched_by_many(process, path, begun, watchers=500, changes=5))
    assert all(names == [f"c{n}" for n in range(5)] for names in made)


async def watched_by_many(
    process: ServerProcess, path: str, revision: str, watchers: int, changes: int
) -> list[list[str]]:
    """The names that each watcher is told of."""
    tls = process.tls()
    ready = asyncio.Semaphore(0)

    async def follow() -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", process.config.api_port, ssl=tls)
        writer.write(f"GET {path}?watch=1&resourceVersion={revision} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        ready.release()
        names: list[str] = []
        while len(names) < changes:
            line = await reader.readuntil(b"\n")
            names += [json.loads(line)["object"]["metadata"]["name"]] if line.startswith(b"{") else []
        writer.transport.abort()  # close() would outlive the loop: TLS says goodbye first
        return names

    following = [asyncio.create_task(follow()) for _ in range(watchers)]
    for _ in following:
        await ready.acquire()
    for number in range(changes):
        made = await asyncio.to_thread(process.send, "POST", path, {"metadata": {"name": f"c{number}"}})
        assert made.status == 201
    async with asyncio.timeout(30):
        return await asyncio.gather(*following)


def test_what_is_too_old_is_gone_and_a_list_helps(phoenix: Phoenix) -> None:
    """More changes than are kept: the watch says so, and a client lists again."""
    server, path = phoenix.server, "/api/v1/namespaces/default/configmaps"
    for number in range(WRITERS):
        server.send("POST", path, {"metadata": {"name": f"c{number}"}})
    first = server.send("GET", f"{path}?limit=1").json["metadata"]
    churn(server, path)
    events = watch(server, path, resourceVersion=first["resourceVersion"])
    assert [(event["type"], event["object"].get("code")) for event in events] == [("ERROR", 410)]
    assert events[0]["object"]["reason"] == "Expired"
    mirror = Mirror(server, path, Habits(), revision=first["resourceVersion"])
    mirror.start()
    server.send("POST", path, {"metadata": {"name": END}})
    assert mirror.result().keys() == listed(server, path, Habits())[0].keys()
    assert (mirror.seen["expired"], mirror.seen["begun"]) == (1, 1)


def churn(server: ServerProcess, path: str) -> None:
    """More changes than the server keeps, as fast as they go."""

    def change(worker: int) -> None:
        connection = server.connect()
        for number in range(KEPT // WRITERS + 1):
            assert exchange(connection, "PATCH", f"{path}/c{worker}", {"data": {"n": str(number)}}, MERGE).status == 200
        connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(change, range(WRITERS)))
