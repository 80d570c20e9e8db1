"""Nodes on a real API: silence, taints, and what becomes of the Pods; the test plays the kubelets, and time."""

from __future__ import annotations

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import LEASES, NODES, PODS
from knarr.controllers import nodelifecycle, podgc, tainteviction
from knarr.machinery.times import format_micro, format_time
from tests.api.cluster import Cluster
from tests.api.harness import Server

CONTROLLERS = (nodelifecycle.CONTROLLER, tainteviction.CONTROLLER, podgc.CONTROLLER)
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


class Site(Cluster):
    async def join(self, name: str) -> None:
        await self.client.create(NODES, {"metadata": {"name": name}})
        lease = {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": {"holderIdentity": name}}
        await self.client.create(LEASES, lease, "kube-node-lease")
        await self.report(name)

    async def report(self, node: str, ready: str = "True", **others: str) -> None:
        """As a kubelet: the conditions, and a renewal of the lease."""
        now = format_time(self.clock.now())
        conditions = [
            {"type": name, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
            for name, status in {"Ready": ready, **others}.items()
        ]
        await self.client.patch(
            NODES, node, {"status": {"conditions": conditions}}, kind="strategic", subresource="status"
        )
        await self.renew(node)

    async def renew(self, *names: str) -> None:
        for name in names:
            spec = {"renewTime": format_micro(self.clock.now())}
            await self.client.patch(LEASES, name, {"spec": spec}, "kube-node-lease")
        await self.settle()

    async def alive(self, seconds: int, *names: str) -> None:
        """Time passes, in which these nodes renew their leases."""
        for _ in range(seconds // 10):
            await self.advance(10)
            await self.renew(*names)

    async def pod(self, name: str, node: str, **spec: object) -> JSON:
        pod = await self.create(PODS, name, {"nodeName": node, "containers": [{"name": "c", "image": "i"}], **spec})
        await self.start(pod)
        return pod

    async def node(self, name: str) -> JSON:
        return await self.client.get(NODES, name, view=dict)

    async def conditions(self, name: str) -> dict[str, tuple[str, str]]:
        found = (await self.node(name))["status"]["conditions"]
        return {c["type"]: (c["status"], c.get("message", "")) for c in found}

    async def taints(self, name: str) -> list[str]:
        return sorted(f"{t['key']}:{t['effect']}" for t in (await self.node(name)).get("spec", {}).get("taints", []))

    async def pods(self) -> dict[str, str]:
        """Names, and whether they are ready or being deleted."""
        return {p["metadata"]["name"]: _state(p) for p in await self.all(PODS)}


def _state(pod: JSON) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "deleting"
    return next(str(c["status"]) for c in pod["status"]["conditions"] if c["type"] == "Ready")


@pytest.fixture
async def site(server: Server) -> Site:
    await server.post("/api/v1/namespaces", {"metadata": {"name": "kube-node-lease"}})
    return Site(server)


async def test_a_silent_node_is_of_unknown_state_until_it_speaks(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        await site.pod("web", "n1")
        await site.alive(60, "n1")
        assert (await site.conditions("n1"), await site.taints("n1")) == ({"Ready": ("True", "")}, [])
        await site.advance(49)
        assert await site.pods() == {"web": "True"}
        await site.advance(1)
        stopped, never = "Kubelet stopped posting node status.", "Kubelet never posted node status."
        assert await site.conditions("n1") == {
            "Ready": ("Unknown", stopped),
            "MemoryPressure": ("Unknown", never),
            "DiskPressure": ("Unknown", never),
            "PIDPressure": ("Unknown", never),
        }
        assert await site.taints("n1") == [f"{UNREACHABLE}:NoSchedule"]  # its only node fails: no Pod is driven off
        assert await site.pods() == {"web": "False"}
        await site.report("n1")
        assert await site.taints("n1") == []
    assert await site.events() == [
        "RegisteredNode: Node n1 event: Registered Node n1 in Controller",
        "NodeNotReady: Node n1 status is now: NodeNotReady",
        "NodeNotReady: Node is not ready",
    ]


async def test_conditions_become_taints(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        await site.join("n2")
        await site.report("n1", MemoryPressure="True", DiskPressure="True", PIDPressure="True")
        await site.client.patch(NODES, "n1", {"spec": {"unschedulable": True}})
        await site.settle()
        assert await site.taints("n1") == [
            "node.kubernetes.io/disk-pressure:NoSchedule",
            "node.kubernetes.io/memory-pressure:NoSchedule",
            "node.kubernetes.io/pid-pressure:NoSchedule",
            "node.kubernetes.io/unschedulable:NoSchedule",
        ]
        await site.report("n1", "False", MemoryPressure="False", DiskPressure="False", PIDPressure="False")
        await site.client.patch(NODES, "n1", {"spec": {"unschedulable": None}})
        await site.settle()
        assert await site.taints("n1") == [f"{NOT_READY}:NoExecute", f"{NOT_READY}:NoSchedule"]
        await site.report("n1")
        assert await site.taints("n1") == []


async def test_taints_of_others_stay(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        taints = [
            {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"},
            {"key": NOT_READY, "effect": "NoSchedule"},
        ]
        await site.client.patch(NODES, "n1", {"spec": {"taints": taints}})
        await site.settle()
        assert (await site.node("n1"))["spec"]["taints"] == taints[:1]


async def test_pods_leave_a_dead_node_when_they_have_tolerated_it_long_enough(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        for name in ("n1", "n2"):
            await site.join(name)
        patience = {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute"}
        await site.pod("short", "n1", tolerations=[{**patience, "tolerationSeconds": 30}])
        await site.pod("ever", "n1", tolerations=[{"operator": "Exists"}])
        await site.pod("elsewhere", "n2")
        await site.alive(50, "n2")
        assert await site.taints("n1") == [f"{UNREACHABLE}:NoExecute", f"{UNREACHABLE}:NoSchedule"]
        assert await site.pods() == {"elsewhere": "True", "ever": "False", "short": "False"}
        await site.alive(30, "n2")
        assert await site.pods() == {"elsewhere": "True", "ever": "False", "short": "deleting"}
        assert "TaintManagerEviction: Marking for deletion Pod default/short" in await site.events()
        reasons = {c["type"]: c.get("reason") for c in (await site.get(PODS, "short"))["status"]["conditions"]}
        assert reasons == {"Ready": None, "DisruptionTarget": "DeletionByTaintManager"}


async def test_a_node_that_returns_in_time_keeps_its_pods(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        for name in ("n1", "n2"):
            await site.join(name)
        toleration = {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
        await site.pod("web", "n1", tolerations=[toleration])
        await site.alive(60, "n2")
        await site.report("n1")
        await site.alive(100, "n1", "n2")
        assert (await site.pods(), await site.taints("n1")) == ({"web": "False"}, [])
        assert "TaintManagerEviction: Cancelling deletion of Pod default/web" in await site.events()


async def test_pods_of_a_node_that_is_gone_are_removed(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        await site.pod("web", "n1")
        await site.client.delete(NODES, "n1")
        await site.advance(39)
        assert list(await site.pods()) == ["web"]
        await site.advance(1)
        assert await site.pods() == {}


async def test_a_pod_whose_node_comes_back_stays(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        await site.pod("web", "n1")
        await site.client.delete(NODES, "n1")
        await site.advance(20)
        await site.client.create(NODES, {"metadata": {"name": "n1"}})
        await site.advance(30)
        assert list(await site.pods()) == ["web"]


async def test_a_deletion_on_a_node_out_of_service_waits_for_no_kubelet(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.join("n1")
        await site.pod("web", "n1", tolerations=[{"operator": "Exists"}])
        await site.report("n1", "False")
        await site.client.delete(PODS, "web", "default")
        await site.settle()
        assert await site.pods() == {"web": "deleting"}
        taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
        await site.client.patch(NODES, "n1", {"spec": {"taints": [taint]}})
        await site.settle()
        assert await site.pods() == {}
