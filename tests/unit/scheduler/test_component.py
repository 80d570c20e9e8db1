"""The scheduler over many nodes, and when its watches break off and it has to list anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest

from knarr.client.client import Client
from knarr.client.resources import NODES, PODS
from knarr.machinery.clock import VirtualClock
from knarr.runtime.quiescence import Quiescence
from knarr.scheduler.component import Options, Scheduler
from tests.unit.fake_api import FakeAPI
from tests.unit.scheduler.builders import container


class Bench:
    """A server that binds nothing, and what it was asked to bind."""

    def __init__(self) -> None:
        self.api, self.clock, self.quiescence = FakeAPI(), VirtualClock(), Quiescence()
        self.scheduler = Scheduler(Client(self.api), self.clock, Options(), quiescence=self.quiescence)

    def node(self, name: str, cpu: str = "2") -> None:
        self.api.put(NODES.path("", name), {"status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "10"}}})

    def pod(self, name: str, cpu: str = "2", node: str = "") -> None:
        spec = {"containers": [container(cpu=cpu)], "nodeName": node, "schedulerName": "default-scheduler"}
        self.api.put(PODS.path("default", name), {"spec": spec})

    def remove(self, name: str) -> None:
        self.api.remove(PODS.path("default", name))

    @contextmanager
    def away(self) -> Iterator[None]:
        """The scheduler hears of nothing that happens meanwhile, and has to list anew afterwards."""
        streams, self.api.streams = self.api.streams, []
        yield
        self.api.version += 1
        self.api.compacted = self.api.version
        for stream in streams:
            stream.chunks.put_nowait(None)

    async def settle(self) -> None:
        await self.quiescence.quiet()
        await self.clock.advance(10)
        await self.quiescence.quiet()

    @property
    def bound(self) -> list[str]:
        """Pods and the nodes asked for them."""
        return [
            f"{body['metadata']['name']} to {body['target']['name']}"
            for method, path, body in self.api.requests
            if path.endswith("/binding")
        ]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    task = asyncio.create_task(made.scheduler.run())
    await asyncio.sleep(0)
    await made.settle()
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_of_many_nodes_each_has_its_turn(bench: Bench) -> None:
    for n in range(200):
        bench.node(f"n{n:03}")
    for name in ("first", "second"):
        bench.pod(name)
        await bench.settle()
    first, second = (text.rpartition("n")[2] for text in bench.bound)
    assert int(first) < 100 <= int(second)


async def test_a_pod_that_was_replaced_meanwhile_takes_no_room(bench: Bench) -> None:
    bench.node("n1")
    bench.pod("p", node="n1")
    await bench.settle()
    with bench.away():
        bench.remove("p")
        bench.pod("p")
    await bench.settle()
    assert bench.bound == ["p to n1"]


async def test_a_refused_pod_that_went_meanwhile_is_not_tried(bench: Bench) -> None:
    bench.pod("gone")
    bench.pod("there", cpu="1")
    await bench.settle()
    with bench.away():
        bench.remove("gone")
    await bench.settle()
    bench.node("n1")
    await bench.settle()
    assert bench.bound == ["there to n1"]


async def test_a_node_that_went_meanwhile_gets_nothing(bench: Bench) -> None:
    bench.node("n1")
    await bench.settle()
    with bench.away():
        bench.api.remove(NODES.path("", "n1"))
        bench.node("n2")
    await bench.settle()
    bench.pod("p")
    await bench.settle()
    assert bench.bound == ["p to n2"]


async def test_a_pod_whose_binding_was_done_but_not_answered_is_bound_once(bench: Bench) -> None:
    bench.node("n1")
    bench.api.fail("POST", "/binding", TimeoutError("silent"))
    bench.pod("p")
    await bench.quiescence.quiet()
    bench.pod("p", node="n1")
    await bench.settle()
    bench.pod("q", cpu="1")
    await bench.settle()
    assert bench.bound == ["p to n1"]
