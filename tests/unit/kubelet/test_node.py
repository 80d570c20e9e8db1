from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from knarr.client.client import Client
from knarr.kubelet.conditions import conditions
from knarr.kubelet.cri.runtime import Runtime, RuntimeState, RuntimeUnavailable
from knarr.kubelet.machine import Machine, Pressure
from knarr.kubelet.node import NodeAgent, NodeOptions
from knarr.machinery.clock import VirtualClock
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.fakes import FakeRuntime

NODE = "/api/v1/nodes/node-1"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1"
OPTIONS = NodeOptions("node-1", ("192.0.2.1",), pod_cidr="10.244.0.0/24", labels={"disk": "fast"})


class Bench:
    def __init__(self, root: Path) -> None:
        self.api, self.clock, self.runtime = FakeAPI(), VirtualClock(), FakeRuntime()
        self.ready = 0
        self.agent = NodeAgent(
            Client(self.api), self.clock, cast(Runtime, self.runtime), Machine(root), OPTIONS, self._is_ready
        )
        self.task: asyncio.Task[None] | None = None

    def _is_ready(self) -> None:
        self.ready += 1

    async def start(self) -> None:
        self.task = asyncio.create_task(self.agent.run())
        await self.pass_time(0)

    async def pass_time(self, seconds: float) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        await self.clock.advance(seconds)
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def node(self) -> dict[str, Any]:
        return self.api.objects[NODE]

    @property
    def condition(self) -> dict[str, str]:
        (found,) = (c for c in self.node["status"]["conditions"] if c["type"] == "Ready")
        return cast(dict[str, str], found)

    @property
    def writes(self) -> list[str]:
        """What was written of the node's status."""
        return [path for _, path, _ in self.api.requests if path.endswith("/status")]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    if made.task:
        made.task.cancel()
        await asyncio.wait([made.task])


async def test_the_node_registers_and_is_ready_at_once(bench: Bench) -> None:
    await bench.start()
    meta, spec, status = bench.node["metadata"], bench.node["spec"], bench.node["status"]
    assert (
        meta["labels"].items()
        >= {
            "kubernetes.io/hostname": "node-1",
            "kubernetes.io/os": "linux",
            "beta.kubernetes.io/os": "linux",
            "disk": "fast",
        }.items()
    )
    assert spec == {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]}
    assert bench.condition == {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.1"},
        {"type": "Hostname", "address": "node-1"},
    ]
    assert status["capacity"]["pods"] == "110"
    assert status["nodeInfo"]["containerRuntimeVersion"] == "containerd://1.6.20"
    assert status["nodeInfo"]["kubeletVersion"] == "v1.36.0+knarr"
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["images"] == [
        {"names": ["big@sha256:2", "big:1"], "sizeBytes": 20},
        {"names": ["small:1"], "sizeBytes": 10},
    ]
    assert (bench.ready, bench.runtime.pod_cidrs) == (1, ["10.244.0.0/24"])
    lease = bench.api.objects[LEASE]
    assert lease["spec"] == {
        "holderIdentity": "node-1",
        "leaseDurationSeconds": 40,
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    assert lease["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]


async def test_the_lease_is_renewed_but_an_unchanged_status_is_not_written(bench: Bench) -> None:
    await bench.start()
    for _ in range(29):
        await bench.pass_time(10)
    assert bench.api.objects[LEASE]["spec"]["renewTime"] == "2026-01-01T00:04:50.000000Z"
    assert len(bench.writes) == 1
    await bench.pass_time(10)
    assert len(bench.writes) == 2
    assert bench.condition["lastHeartbeatTime"] == "2026-01-01T00:05:00Z"
    assert bench.condition["lastTransitionTime"] == "2026-01-01T00:00:00Z"


async def test_a_node_is_ready_as_soon_as_its_runtime_is(bench: Bench) -> None:
    bench.runtime.now = RuntimeUnavailable("Unavailable", "not there yet")
    await bench.start()
    assert (bench.condition["status"], bench.condition["message"], bench.ready) == (
        "False",
        "[container runtime is down, container runtime network not ready: NetworkReady=false "
        "reason:RuntimeDown message:container runtime is down]",
        0,
    )
    bench.runtime.now = RuntimeState(True, True)
    await bench.pass_time(0.2)
    assert (bench.condition["status"], bench.ready) == ("True", 1)


async def test_a_runtime_that_restarts_does_not_make_the_node_unready(bench: Bench) -> None:
    await bench.start()
    bench.runtime.now = RuntimeUnavailable("Unavailable", "restarting")
    for _ in range(2):
        await bench.pass_time(10)
    assert bench.condition["status"] == "True"
    await bench.pass_time(10)
    assert bench.condition["status"] == "False"


async def test_a_poke_makes_it_look_again(bench: Bench) -> None:
    await bench.start()
    bench.runtime.now = RuntimeState(True, False, network_message="reason:NetworkPluginNotReady message:no CNI")
    bench.agent.poke()
    await bench.pass_time(0)
    assert bench.condition["message"] == (
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no CNI"
    )


async def test_a_deleted_node_comes_back(bench: Bench) -> None:
    await bench.start()
    bench.api.remove(NODE)
    bench.runtime.now = RuntimeState(True, False)
    await bench.pass_time(10)
    await bench.pass_time(0.2)
    assert bench.condition["status"] == "False"


async def test_an_existing_node_keeps_what_others_gave_it(bench: Bench) -> None:
    known = {"metadata": {"labels": {"zone": "a", "disk": "slow"}}, "spec": {"podCIDR": "10.9.0.0/24", "taints": [1]}}
    bench.api.put(NODE, known)
    await bench.start()
    assert bench.node["metadata"]["labels"].items() >= {"zone": "a", "disk": "fast"}.items()
    assert bench.node["spec"] == known["spec"]
    assert bench.runtime.pod_cidrs == ["10.9.0.0/24"]


@pytest.mark.parametrize(
    ("pressure", "type", "expected"),
    [
        (
            Pressure(),
            "MemoryPressure",
            ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ),
        (
            Pressure(memory=True),
            "MemoryPressure",
            ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ),
        (Pressure(), "DiskPressure", ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure")),
        (Pressure(disk=True), "DiskPressure", ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")),
        (Pressure(), "PIDPressure", ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available")),
        (
            Pressure(pids=True),
            "PIDPressure",
            ("True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ),
    ],
)
def test_pressure(pressure: Pressure, type: str, expected: tuple[str, str, str]) -> None:
    found = {c["type"]: c for c in conditions(RuntimeState(True, True), pressure, "now", ())}[type]
    assert (found["status"], found["reason"], found["message"]) == expected


def test_the_machine_tells_what_it_has(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert set(machine.capacity()) >= {"cpu", "memory", "pods", "ephemeral-storage"}
    assert set(machine.allocatable()) == set(machine.capacity())
    assert machine.info()["bootID"]
