"""Server CPU per GET of 2 KB over TLS: the wire alone, then with the API server's chain in front of a constant answer.

python benchmarks/wire.py [requests]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from knarr.api.kinds.table import KINDS
from knarr.apiserver.app import Application
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authz.table import authorizer_of
from knarr.apiserver.documents import Documents
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.registry import Registry
from knarr.apiserver.request import APIRequest
from knarr.machinery.clock import RealClock
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import client_context, server_context
from tests.api.certificates import Authority, Pair

CONNECTIONS = 16
BODY = b"x" * 2048
PATH = b"/api/v1/namespaces/default/pods/a"
GET = b"GET " + PATH + b" HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n"


async def raw(request: Request, peer: Peer) -> Answer:
    return Response(200, {"content-type": "application/json"}, BODY)


class Constant:
    async def handle(self, request: APIRequest) -> Answer:
        return Response(200, {"content-type": "application/json"}, BODY)

    def addressed(self, info: RequestInfo) -> RequestInfo:
        return info


def chain() -> Application:
    clock, kinds, store = RealClock(), Kinds(KINDS), MemoryStore()
    registry = Registry(kinds, store, WatchCache(store, index_of(kinds), clock=clock), clock)
    return Application(
        authenticator=Authenticator(clock),
        authorizer=authorizer_of(registry),
        resources=Constant(),
        documents=Documents(kinds, {}, registry.metrics),
        metrics=registry.metrics,
        clock=clock,
        flow=FlowControl(registry),
    )


def serve(name: str, uvloop: bool, directory: Path, pipe: Connection) -> None:
    """The server's process: reports its port, then its CPU time whenever asked."""

    async def main() -> None:
        tls = server_context(directory / "server.crt", directory / "server.key", directory / "ca.crt")
        server = Server(raw if name == "wire" else chain(), tls=tls)
        pipe.send(await server.listen())
        while await asyncio.to_thread(pipe.recv):
            pipe.send(time.process_time())

    if uvloop:
        import uvloop as loops

        loops.run(main())
    else:
        asyncio.run(main())


async def load(port: int, pair: Pair, ca: Path, requests: int) -> None:
    context = client_context(ca, pair.certificate, pair.key)
    context.check_hostname = False

    async def client(n: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        for _ in range(n):
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(len(BODY))
        writer.close()

    await asyncio.gather(*(client(requests // CONNECTIONS) for _ in range(CONNECTIONS)))


def measure(name: str, *, uvloop: bool, requests: int, directory: Path, authority: Authority, pair: Pair) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(name, uvloop, directory, theirs))
    process.start()
    port = ours.recv()
    asyncio.run(load(port, pair, authority.file, 2 * CONNECTIONS))  # warm
    cpu = []
    for count in (CONNECTIONS, requests + CONNECTIONS):
        ours.send(True)
        before = ours.recv()
        began = time.perf_counter()
        asyncio.run(load(port, pair, authority.file, count))
        wall = time.perf_counter() - began
        ours.send(True)
        cpu.append(ours.recv() - before)
    process.terminate()
    process.join()
    loop = "uvloop" if uvloop else "asyncio"
    each = (cpu[1] - cpu[0]) / requests * 1e6
    print(f"{name:6} {loop:8} {each:6.1f} us CPU/request   {requests / wall:7.0f} requests/s")


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        authority = Authority(directory)
        authority.issue("server")
        pair = authority.issue("admin", "system:masters")
        for what in ("wire", "chain"):
            for uvloop in (True, False):
                measure(what, uvloop=uvloop, requests=requests, directory=directory, authority=authority, pair=pair)


if __name__ == "__main__":
    main()
