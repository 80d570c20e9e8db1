"""What the service proxy costs: python -m benchmarks.proxy

Runs in a network namespace of its own. Prints for changes with few and many services present, and for the whole table
written at once, the operations per second and the CPU time of one operation: all of Python's and libnftables' work, and
the kernel's. For comparison: the same change given to a new `nft` process, and a chain per service, as upstream has it.
"""

from __future__ import annotations

import asyncio
import ctypes
import resource
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from knarr.proxy.claims import claims_of
from knarr.proxy.kernel import Table
from knarr.proxy.ledger import Ledger
from knarr.proxy.nftables import Nftables
from knarr.proxy.objects import EndpointSlice, Service
from knarr.proxy.ruleset import Network, transaction, whole

CLONE_NEWNET = 0x40000000
NETWORK = Network("10.244.0.0/16", "10.96.0.0/12")
TABLE = "knarr-benchmark"
TURNS = 200


def service(number: int, endpoints: int) -> tuple[Service, EndpointSlice]:
    """As the API server would send them."""
    name, high, low = f"service-{number}", number >> 8, number & 255
    port = {"port": 80, "protocol": "TCP", "nodePort": 0 if number % 10 else 30000 + number}
    spec = {"clusterIP": f"10.96.{high}.{low}", "ports": [port]}
    addresses = [f"10.244.{high}.{(low + turn) & 255}" for turn in range(endpoints)]
    slice_ = {
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "nodeName": "node"} for address in addresses],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }
    meta = {"name": name, "namespace": "default"}
    return msgspec.convert({"metadata": meta, "spec": spec}, Service), msgspec.convert(slice_, EndpointSlice)


def cpu() -> float:
    """Seconds of CPU that this process and its children have had."""
    return sum(
        u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


async def figure(name: str, turns: int, operation: Callable[[int], Awaitable[object]]) -> None:
    used, wall = cpu(), time.perf_counter()
    for turn in range(turns):
        await operation(turn)
    wall, used = time.perf_counter() - wall, cpu() - used
    print(f"{name:<62}{turns / wall:>9,.0f}/s{used / turns * 1e3:>9.3f} ms CPU each", flush=True)


class Node:
    """The proxy without its informers."""

    def __init__(self) -> None:
        self.nftables, self.ledger = Nftables(), Ledger()
        self.table = Table(self.nftables, TABLE, NETWORK)

    def want(self, number: int, endpoints: int) -> None:
        wanted, piece = service(number, endpoints)
        self.ledger.state(wanted.metadata.key, claims_of(wanted, [piece], "node", NETWORK))

    async def apply(self) -> None:
        assert await self.table.apply(self.ledger)


async def changes(present: int) -> None:
    node = Node()
    for number in range(present):
        node.want(number, 2)
    await node.apply()

    async def endpoint_comes_or_goes(turn: int) -> None:
        node.want(5, 3 - turn % 2)
        await node.apply()

    async def service_comes(turn: int) -> None:
        node.want(present + turn, 2)
        await node.apply()

    async def by_process(turn: int) -> None:
        node.want(5, 3 - turn % 2)
        text = transaction(TABLE, node.ledger.changes()).encode()
        await asyncio.to_thread(subprocess.run, ["nft", "-f", "-"], input=text, check=True)

    async def chain_per_service(turn: int) -> None:
        rule = f"numgen random mod {3 - turn % 2} 0 accept"
        await node.nftables.run(f"flush chain inet chains s5\nadd rule inet chains s5 {rule}\n")

    await figure(f"{present} services: an endpoint comes or goes", TURNS, endpoint_comes_or_goes)
    await figure(f"{present} services: a service with two endpoints comes", TURNS, service_comes)
    await figure(f"{present} services: an endpoint, by a process `nft -f -`", 20, by_process)
    chains = "".join(f"chain s{number} {{ counter; }}\n" for number in range(present))
    await node.nftables.run(f"table inet chains {{\n{chains}}}")
    await figure(f"{present} chains: one rule of one chain", TURNS, chain_per_service)
    node.nftables.close()


async def everything(present: int) -> None:
    node = Node()

    async def describe(turn: int) -> None:
        node.ledger = Ledger()
        for number in range(present):
            node.want(number, 2)

    async def write(turn: int) -> None:
        await node.nftables.run(whole(TABLE, NETWORK, node.ledger.everything()))

    await figure(f"{present} services, two endpoints each: what is wanted", 5, describe)
    await figure(f"{present} services, two endpoints each: the table written at once", 5, write)
    node.nftables.close()


def memory() -> int:
    """KiB that this process has in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def main() -> None:
    before = memory()
    for present in (10, 1000):
        await changes(present)
    print(f"{'memory that all of this took':<62}{(memory() - before) / 1024:>9.1f} MiB")
    await everything(1000)


if __name__ == "__main__":
    if ctypes.CDLL(None).unshare(CLONE_NEWNET):
        raise SystemExit("this needs root: a network namespace of its own")
    asyncio.run(main())
