"""How fast Pods are scheduled: API server (the whole chain, a memory store), scheduler and user in one process.

python -m benchmarks.scheduling [--pods N] [--nodes N] [--profile all|placing]

`all parts` is from the first Pod's creation until the last one is bound and seen to be so, its event included;
`placing` is the scheduler's decision alone.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.measuring import say
from knarr.api.kinds.table import KINDS
from knarr.apiserver import bootstrap
from knarr.apiserver.api import API
from knarr.apiserver.app import Application
from knarr.apiserver.assembly import Security, assemble
from knarr.apiserver.authn.keys import AccountKeys, AccountTokenRules
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.objects import Object, View
from knarr.client.resources import NODES, PODS, SERVICE_ACCOUNTS
from knarr.machinery.clock import RealClock
from knarr.runtime.quiescence import Quiescence
from knarr.scheduler.cache import Cache
from knarr.scheduler.component import Options, Scheduler
from knarr.scheduler.judging import Judges
from knarr.scheduler.objects import Node, Pod
from knarr.scheduler.placing import place
from knarr.scheduler.pods import info_of
from knarr.scheduler.table import PLUGINS
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore

JSON = dict[str, Any]


class Spec(View, frozen=True):
    node_name: str = ""


class Bound(Object, frozen=True):
    spec: Spec = Spec()


def node(name: str) -> JSON:
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"z{int(name[1:]) % 3}"}
    return {"metadata": {"name": name, "labels": labels}, "status": {"capacity": room, "allocatable": room}}


def pod(name: str) -> JSON:
    requests = {"cpu": "100m", "memory": "128Mi"}
    container = {"name": "c", "image": "registry.example.com/image:1", "resources": {"requests": requests}}
    return {"metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"containers": [container]}}


@asynccontextmanager
async def serving() -> AsyncIterator[Application]:
    """An API server without sockets."""
    store, clock = MemoryStore(), RealClock()
    kinds = Kinds(KINDS)
    cache = WatchCache(store, index_of(kinds), clock=clock)
    api = API(kinds, store, cache, clock)
    await cache.start()
    await bootstrap.ensure(api.registry)
    founded = asyncio.Event()
    founded.set()
    front = assemble(api, Security(ssl.create_default_context(), AccountTokenRules(token_keys())), founded)
    try:
        yield front.application
    finally:
        await front.kubelets.close()
        api.close()
        await cache.stop()
        await store.close()


def token_keys() -> AccountKeys:
    key, pem = rsa.generate_private_key(65537, 2048), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return AccountKeys(private, [key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)])


def client(application: Application, user: str, *groups: str) -> Client:
    return Client(InProcessTransport(application, User(user, groups=(*groups, AUTHENTICATED))))


@contextmanager
def profiled(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


async def all_parts(pods: int, nodes: int, profile: bool) -> None:
    async with serving() as application:
        admin = client(application, "admin", "system:masters")
        await admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
        for n in range(nodes):
            await admin.create(NODES, node(f"n{n:04}"))
            await admin.patch(NODES, f"n{n:04}", {"spec": {"taints": None}})  # as when its controller finds it ready
        quiescence = Quiescence()
        scheduler = Scheduler(
            client(application, "system:kube-scheduler"), RealClock(), Options(), quiescence=quiescence
        )
        task = asyncio.create_task(scheduler.run())
        await asyncio.sleep(0)
        await quiescence.quiet()
        with profiled(profile):
            cpu, wall = time.process_time(), time.perf_counter()
            used = await _schedule(admin, pods, quiescence)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        say(f"{pods} Pods on {nodes} nodes, all parts", f"{pods / wall:.0f} Pods/s", f"{cpu / pods * 1e3:.3f} ms CPU")
        say("", f"{len(used)} nodes used", f"at most {max(used.values())} each")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await admin.close()


async def _schedule(admin: Client, pods: int, quiescence: Quiescence) -> dict[str, int]:
    """Create Pods, and wait until all are bound and the scheduler has nothing left to say; Pods by node."""
    watching = asyncio.create_task(_bound(admin, pods))
    await asyncio.sleep(0)
    await asyncio.gather(*(admin.create(PODS, pod(f"p{n:05}"), "default") for n in range(pods)))
    used = await watching
    await quiescence.quiet()
    return used


async def _bound(admin: Client, pods: int) -> dict[str, int]:
    placed: dict[str, str] = {}
    async for event in admin.watch(PODS, view=Bound, resource_version="0"):
        if event.object.spec.node_name:
            placed[event.object.metadata.name] = event.object.spec.node_name
            if len(placed) == pods:
                break
    nodes = list(placed.values())
    return {name: nodes.count(name) for name in set(nodes)}


async def placing(pods: int, nodes: int, profile: bool) -> None:
    cache, judges, draw = Cache(), Judges(PLUGINS), random.Random()
    for n in range(nodes):
        cache.set_node(msgspec.convert(node(f"n{n:04}"), Node))
    waiting = [msgspec.convert({**pod(f"p{n}"), "metadata": {"uid": str(n)}}, Pod) for n in range(pods)]
    with profiled(profile):
        cpu, wall = time.process_time(), time.perf_counter()
        for each in waiting:
            asking = info_of(each)
            placement = place(cache.nodes(), judges.of(asking.demand), draw)
            cache.searched(placement.searched)
            cache.assume(asking, placement.node)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    say(f"{pods} Pods on {nodes} nodes, placing", f"{pods / wall:.0f} Pods/s", f"{cpu / pods * 1e3:.3f} ms CPU")


BENCHMARKS: dict[str, Callable[[int, int, bool], Coroutine[Any, Any, None]]] = {"placing": placing, "all": all_parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument(
        "--profile", choices=tuple(BENCHMARKS), default="", help="profile this, and measure nothing else"
    )
    options = parser.parse_args()
    for name, benchmark in BENCHMARKS.items():
        if options.profile in ("", name):
            asyncio.run(benchmark(options.pods, options.nodes, bool(options.profile)))


if __name__ == "__main__":
    main()
