"""Audit events that are sent to somebody: who is slow, dies, and comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knarr.cluster.flags.notation import File
from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import server_context
from tests.api.audits import audited
from tests.api.certificates import Authority
from tests.api.front import Running

JSON = dict[str, Any]
PATIENCE = 20.0
NS = "/api/v1/namespaces/default"
RULE = {"level": "Metadata", "users": ["bob"]}


@dataclass
class Receiver:
    """Takes EventLists, if it is `well`; who is not `quick` waits until it is."""

    authority: Authority
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    well: bool = True
    quick: asyncio.Event = field(default_factory=asyncio.Event)
    server: Server | None = None

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        self.requests.append(request)
        well = self.well
        await self.quick.wait()
        return Response(200) if well else Response(500, {"content-type": "text/plain"}, b"not today\n")

    async def start(self) -> None:
        pair = self.authority.issue("receiver")
        self.server = Server(self, tls=server_context(pair.certificate, pair.key, self.authority.file))
        self.port = await self.server.listen(port=self.port)

    async def stop(self) -> None:
        if self.server:
            await self.server.close(0)
        self.server = None

    def lists(self) -> list[JSON]:
        return [json.loads(request.body) for request in self.requests]

    def events(self) -> list[str]:
        """The paths of all events."""
        return [item["requestURI"] for events in self.lists() for item in events["items"]]

    def kubeconfig(self, directory: Path) -> File:
        cluster = {"server": f"https://127.0.0.1:{self.port}/audit", "certificate-authority": str(self.authority.file)}
        tree = {
            "kind": "Config",
            "apiVersion": "v1",
            "clusters": [{"name": "a", "cluster": cluster}],
            "users": [{"name": "a", "user": {"token": "we-are-us"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "a",
        }
        file = directory / "webhook.kubeconfig"
        file.write_text(json.dumps(tree))
        return File(str(file))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def get(front: Running, name: str) -> int:
    transport = front.transport(front.authority.issue("bob"))
    answer = await transport.request(Request("GET", f"{NS}/configmaps/{name}"))
    await transport.close()
    return answer.status


@asynccontextmanager
async def sending(directory: Path, **flags: Any) -> AsyncIterator[tuple[Running, Receiver]]:
    """A front that sends what bob does; the receiver is there, and quick."""
    (directory / "receiver").mkdir()
    receiver = Receiver(Authority(directory / "receiver"))
    await receiver.start()
    receiver.quick.set()
    known = {
        "audit_log_path": "",
        "audit_webhook_config_file": receiver.kubeconfig(directory),
        "audit_webhook_initial_backoff": 0.05,
        "audit_webhook_batch_max_wait": 0.05,
    }
    async with audited(directory, RULE, flags={**known, **flags}, omitStages=["RequestReceived"]) as front:
        yield front, receiver
        receiver.quick.set()
    await receiver.stop()


async def test_events_are_sent_in_lists(tmp_path: Path) -> None:
    async with sending(tmp_path) as (front, receiver):
        assert await get(front, "c") == 403
        await until(lambda: len(receiver.events()) == 1)
        (request,), (sent,) = receiver.requests, receiver.lists()
        assert (request.method, request.path) == ("POST", "/audit")
        assert request.headers["authorization"] == "Bearer we-are-us"
        (event,) = sent.pop("items")
        assert sent == {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}}
        assert (event["requestURI"], event["responseStatus"]["code"]) == (f"{NS}/configmaps/c", 403)


async def test_who_is_slow_holds_up_nobody(tmp_path: Path) -> None:
    async with sending(tmp_path) as (front, receiver):
        receiver.quick.clear()
        await get(front, "first")
        await until(lambda: len(receiver.requests) == 1)
        async with asyncio.timeout(5):
            for number in range(10):
                await get(front, str(number))
        receiver.quick.set()
        await until(lambda: len(receiver.events()) == 11)


async def test_who_has_died_gets_all_when_he_is_back(tmp_path: Path) -> None:
    async with sending(tmp_path, audit_webhook_initial_backoff=0.3) as (front, receiver):
        await get(front, "before")
        await until(lambda: len(receiver.events()) == 1)
        await receiver.stop()
        await get(front, "meanwhile")
        await asyncio.sleep(0.2)  # real time: it is tried in vain
        await receiver.start()
        await until(lambda: len(receiver.events()) == 2)
        assert receiver.events() == [f"{NS}/configmaps/before", f"{NS}/configmaps/meanwhile"]
        assert b"apiserver_audit_error_total" not in front.registry.metrics.render()


async def test_what_is_never_taken_is_counted(tmp_path: Path) -> None:
    async with sending(tmp_path, audit_webhook_initial_backoff=0.01) as (front, receiver):
        receiver.well = False
        await get(front, "c")
        lost = b'apiserver_audit_error_total{plugin="webhook"} 1\n'
        await until(lambda: lost in front.registry.metrics.render())
        assert len(receiver.requests) == 5


async def test_blocking_waits_for_the_receiver(tmp_path: Path) -> None:
    async with sending(tmp_path, audit_webhook_mode="blocking") as (front, receiver):
        receiver.quick.clear()
        asking = asyncio.create_task(get(front, "c"))
        await until(lambda: len(receiver.requests) == 1)
        assert not asking.done()
        receiver.quick.set()
        assert await asking == 403


async def test_what_waits_is_sent_when_the_server_stops(tmp_path: Path) -> None:
    async with sending(tmp_path, audit_webhook_batch_max_wait=600.0) as (front, receiver):
        await get(front, "c")
        assert receiver.requests == []
    assert receiver.events() == [f"{NS}/configmaps/c"]
