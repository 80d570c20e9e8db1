"""The scheduler on a real API: what becomes of Pods, and what their users are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.client.objects import JSON
from knarr.client.resources import EVENTS, NODES, PODS
from knarr.scheduler.component import Options, Scheduler
from knarr.scheduler.framework import Check, Plugin
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand
from knarr.scheduler.table import PLUGINS
from knarr.wire.messages import Answer, Request, Response
from tests.api.cluster import Cluster
from tests.api.harness import Server

SHORT_OF_CPU = "0/1 nodes are available: 1 Insufficient cpu."


class Site(Cluster):
    """Nodes and Pods by name, and schedulers over them; `scheduler` is their client."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.scheduler = self.acting_as(User("system:kube-scheduler", groups=(AUTHENTICATED,)))

    @asynccontextmanager
    async def scheduling(self, *options: Options) -> AsyncIterator[None]:
        schedulers = [
            Scheduler(self.scheduler, self.clock, each, quiescence=self.quiescence)
            for each in options or (Options(random=random.Random(1)),)
        ]
        tasks = [asyncio.create_task(scheduler.run()) for scheduler in schedulers]
        await asyncio.sleep(0)
        await self.settle()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        assert self.refused == []

    async def node(self, name: str, cpu: str = "4", *, taints: tuple[JSON, ...] = (), **metadata: Any) -> None:
        allocatable = {"cpu": cpu, "memory": "8Gi", "pods": "10"}
        body = {
            "metadata": {"name": name, **metadata},
            "spec": {"taints": list(taints)},
            "status": {"allocatable": allocatable, "capacity": allocatable},
        }
        await self.client.create(NODES, body)
        await self.patch_node(name, {"spec": {"taints": list(taints)}})  # its controller has found it ready

    async def patch_node(self, name: str, patch: JSON) -> None:
        await self.client.patch(NODES, name, patch)
        await self.settle()

    async def pod(self, name: str, cpu: str = "", **spec: Any) -> JSON:
        container = {"name": "c", "image": "i", **({"resources": {"requests": {"cpu": cpu}}} if cpu else {})}
        return await self.create(PODS, name, {"containers": [container], **spec})

    async def delete(self, name: str) -> None:
        await self.client.delete(PODS, name, "default", grace=0)
        await self.settle()

    async def where(self) -> dict[str, str]:
        """Each Pod's node; empty for those that have none."""
        return {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in await self.all(PODS)}

    async def condition(self, name: str) -> JSON:
        conditions = (await self.get(PODS, name))["status"].get("conditions") or [{}]
        return next(c for c in conditions if c.get("type") == "PodScheduled") if conditions != [{}] else {}


@pytest.fixture
def site(server: Server) -> Site:
    return Site(server)


async def test_a_pod_is_given_a_node_and_its_user_told(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1")
        await site.pod("p")
        assert await site.where() == {"p": "n1"}
        told = await site.condition("p")
        assert told.pop("lastTransitionTime")
        assert (told["type"], told["status"]) == ("PodScheduled", "True")
        (event,) = await site.all(EVENTS)
        shown = {key: event[key] for key in ("type", "reason", "message", "source", "reportingComponent")}
        assert shown == {
            "type": "Normal",
            "reason": "Scheduled",
            "message": "Successfully assigned default/p to n1",
            "source": {"component": "default-scheduler"},
            "reportingComponent": "default-scheduler",
        }


async def test_pods_that_were_there_before_the_scheduler(site: Site) -> None:
    await site.node("n1")
    await site.pod("p")
    async with site.scheduling():
        assert await site.where() == {"p": "n1"}


async def test_no_node_at_all(site: Site) -> None:
    async with site.scheduling():
        await site.pod("p")
        assert await site.events() == ["FailedScheduling: no nodes available to schedule pods"]
        await site.node("n1")
        assert await site.where() == {"p": "n1"}


async def test_a_pod_that_fits_nowhere_and_a_node_that_comes(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="1")
        await site.pod("p", cpu="2")
        assert await site.events() == [f"FailedScheduling: {SHORT_OF_CPU}"]
        told = await site.condition("p")
        assert told.pop("lastTransitionTime")
        assert told == {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": SHORT_OF_CPU,
            "observedGeneration": 1,
        }
        await site.node("n2", cpu="2")
        assert await site.where() == {"p": "n2"}
        assert (await site.condition("p"))["status"] == "True"


async def test_every_node_says_why(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="1")
        await site.node("n2", taints=({"key": "a", "value": "b", "effect": "NoSchedule"},))
        await site.node("n3", taints=({"key": "c", "effect": "NoExecute"},))
        await site.node("n4")
        await site.patch_node("n4", {"spec": {"unschedulable": True}})
        await site.pod("p", cpu="2")
        assert await site.events() == [
            "FailedScheduling: 0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, "
            "2 node(s) had untolerated taint(s)."
        ]


async def test_the_same_reason_again_is_counted_and_moves_no_condition(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="1")
        await site.pod("p", cpu="2")
        before = await site.condition("p")
        await site.advance(301)
        assert await site.condition("p") == before
        assert [event["count"] for event in await site.all(EVENTS)] == [2]


async def test_a_new_reason_moves_no_transition_time(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="1")
        await site.pod("p", cpu="2")
        before = await site.condition("p")
        await site.patch_node("n1", {"spec": {"unschedulable": True}})
        await site.advance(301)
        message = "0/1 nodes are available: 1 node(s) were unschedulable."
        assert await site.condition("p") == {**before, "message": message}


@pytest.mark.parametrize("freed_by", ["end", "delete"])
async def test_room_that_becomes_free(site: Site, freed_by: str) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")
        first = await site.pod("first", cpu="2")
        await site.pod("second", cpu="2")
        assert await site.where() == {"first": "n1", "second": ""}
        if freed_by == "end":
            await site.end(first)
        else:
            await site.delete("first")
        assert (await site.where())["second"] == "n1"


async def test_a_node_that_grows(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="1")
        await site.pod("p", cpu="2")
        await site.client.patch(NODES, "n1", {"status": {"allocatable": {"cpu": "2"}}}, subresource="status")
        await site.settle()
        assert await site.where() == {"p": "n1"}


async def test_a_taint_that_is_lifted_leaves_the_pod_waiting_for_room(site: Site) -> None:
    """What refused it first is not all that stands in its way."""
    async with site.scheduling():
        await site.node("n1", cpu="2")
        first = await site.pod("first", cpu="2")
        await site.patch_node("n1", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}})
        await site.pod("second", cpu="2")
        await site.patch_node("n1", {"spec": {"taints": None}})
        assert (await site.where())["second"] == ""
        await site.end(first)
        assert (await site.where())["second"] == "n1"


async def test_the_more_important_pod_goes_first(site: Site) -> None:
    for name, value in (("low", 1), ("high", 1000)):
        body = {"metadata": {"name": name}, "value": value}
        await site.server.post("/apis/scheduling.k8s.io/v1/priorityclasses", body)
    await site.node("n1", cpu="2")
    await site.pod("low", cpu="2", priorityClassName="low")
    await site.pod("high", cpu="2", priorityClassName="high")
    async with site.scheduling():
        assert await site.where() == {"low": "", "high": "n1"}


async def test_tolerations_and_a_node_that_is_preferred(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", taints=({"key": "gpu", "effect": "NoSchedule"},), labels={"gpu": "yes"})
        await site.node("n2")
        await site.pod("plain")
        await site.pod("with-gpu", tolerations=[{"key": "gpu", "operator": "Exists"}], nodeSelector={"gpu": "yes"})
        assert await site.where() == {"plain": "n2", "with-gpu": "n1"}


async def test_node_affinity(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", labels={"zone": "a"})
        await site.node("n2", labels={"zone": "b"})
        term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        await site.pod("required", affinity={"nodeAffinity": required})
        preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": term}]}
        await site.pod("preferred", affinity={"nodeAffinity": preferred})
        await site.pod("nowhere", nodeSelector={"zone": "c"})
        assert await site.where() == {"required": "n2", "preferred": "n2", "nowhere": ""}
        assert (await site.condition("nowhere"))["message"] == (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
        )
        await site.patch_node("n1", {"metadata": {"labels": {"zone": "c"}}})
        assert (await site.where())["nowhere"] == "n1"


async def test_a_pod_for_one_node_alone(site: Site) -> None:
    """As a DaemonSet makes them."""
    async with site.scheduling():
        for name in ("n1", "n2", "n3"):
            await site.node(name, cpu="1")
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        await site.pod("small", affinity={"nodeAffinity": required})
        await site.pod("large", cpu="2", affinity={"nodeAffinity": required})
        assert await site.where() == {"small": "n2", "large": ""}
        assert (await site.condition("large"))["message"] == (
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
        )


async def test_host_ports(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1")
        web = [{"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 80}]}]
        await site.pod("first", containers=web)
        await site.pod("second", containers=web)
        assert await site.where() == {"first": "n1", "second": ""}
        assert (await site.condition("second"))["message"] == (
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
        )
        await site.delete("first")
        assert await site.where() == {"second": "n1"}


async def test_gates(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1")
        await site.pod("p", schedulingGates=[{"name": "example.com/quota"}])
        assert await site.where() == {"p": ""}
        assert (await site.condition("p"))["reason"] == "SchedulingGated"
        assert await site.events() == []
        await site.patch(PODS, "p", {"spec": {"schedulingGates": []}})
        assert await site.where() == {"p": "n1"}


async def test_a_pod_that_names_its_node_needs_no_scheduler_but_takes_room(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")
        await site.pod("fixed", cpu="2", nodeName="n1")
        await site.pod("other", cpu="1")
        assert await site.where() == {"fixed": "n1", "other": ""}
        assert await site.events() == [f"FailedScheduling: {SHORT_OF_CPU}"]


async def test_two_schedulers_keep_to_their_pods(site: Site) -> None:
    async with site.scheduling(Options(), Options(name="mine")):
        await site.node("n1")
        await site.pod("p1")
        await site.pod("p2", schedulerName="mine")
        await site.pod("p3", schedulerName="nobody")
        assert await site.where() == {"p1": "n1", "p2": "n1", "p3": ""}
        by = {e["involvedObject"]["name"]: e["source"]["component"] for e in await site.all(EVENTS)}
        assert by == {"p1": "default-scheduler", "p2": "mine"}


async def test_pods_of_a_kind_spread_over_equal_nodes(site: Site) -> None:
    async with site.scheduling():
        for n in range(4):
            await site.node(f"n{n}")
        for n in range(8):
            await site.pod(f"p{n}")
        nodes = list((await site.where()).values())
        assert {name: nodes.count(name) for name in nodes} == {f"n{n}": 2 for n in range(4)}


async def test_a_pod_that_is_changed_while_it_waits(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", taints=({"key": "a", "effect": "NoSchedule"},))
        await site.pod("p")
        assert await site.where() == {"p": ""}
        waiting = await site.get(PODS, "p")
        tolerations = [*waiting["spec"].get("tolerations", []), {"key": "a", "operator": "Exists"}]
        await site.patch(PODS, "p", {"spec": {"tolerations": tolerations}})
        assert await site.where() == {"p": "n1"}


async def test_a_pod_that_is_deleted_while_it_waits_is_forgotten(site: Site) -> None:
    async with site.scheduling():
        await site.pod("p", cpu="2")
        await site.delete("p")
        await site.node("n1", cpu="2")
        await site.pod("q", cpu="2")
        assert await site.where() == {"q": "n1"}


async def test_a_pod_that_is_about_to_go_is_left_alone(site: Site) -> None:
    async with site.scheduling():
        await site.create(PODS, "p", {"containers": [{"name": "c", "image": "i"}]}, finalizers=["example.com/stay"])
        await site.delete("p")
        await site.node("n1")
        assert await site.where() == {"p": ""}
        assert await site.events() == ["FailedScheduling: no nodes available to schedule pods"]


async def test_a_pod_that_comes_again_under_its_name(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")
        for _ in range(3):
            await site.pod("p", cpu="2")
            assert await site.where() == {"p": "n1"}
            await site.delete("p")


async def test_a_node_that_goes_and_comes_back(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")
        await site.pod("first", cpu="2")
        await site.client.delete(NODES, "n1")
        await site.settle()
        await site.pod("second", cpu="1")
        assert (await site.condition("second"))["message"] == "no nodes available to schedule pods"
        await site.node("n1", cpu="2")
        assert await site.where() == {"first": "n1", "second": ""}


class Interfering:
    """A transport that has something happen to bindings before they arrive."""

    def __init__(self, site: Site, *misfortunes: Any) -> None:
        self._transport, self._misfortunes = site.scheduler.transport, list(misfortunes)
        site.scheduler.transport = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    async def request(self, request: Request) -> Answer:
        if request.path.endswith("/binding") and self._misfortunes:
            misfortune = self._misfortunes.pop(0)
            if isinstance(misfortune, Exception):
                raise misfortune
            await misfortune()
        answer = await self._transport.request(request)
        assert isinstance(answer, Response)
        return answer


async def test_the_api_server_is_away_at_binding(site: Site) -> None:
    Interfering(site, ConnectionError("gone"), TimeoutError("silent"))
    async with site.scheduling():
        await site.node("n1", cpu="2")
        await site.pod("p", cpu="2")
        assert await site.events() == ['FailedScheduling: running Bind plugin "DefaultBinder": gone']
        assert (await site.condition("p"))["reason"] == "SchedulerError"
        await site.advance(1)
        assert await site.where() == {"p": ""}
        await site.advance(2)
        assert await site.where() == {"p": "n1"}


async def test_a_binding_that_was_done_but_not_answered(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")

        async def bind_and_drop() -> None:
            binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
            await site.server.post("/api/v1/namespaces/default/pods/p/binding", binding)
            raise ConnectionError("gone")

        Interfering(site, bind_and_drop)
        await site.pod("p", cpu="2")
        await site.advance(10)
        assert (await site.condition("p"))["status"] == "True"
        await site.pod("q", cpu="2")
        assert await site.where() == {"p": "n1", "q": ""}


async def test_room_that_a_failed_binding_gives_back(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")

        async def fail_once_the_other_is_refused() -> None:
            container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}}}
            await site.client.create(PODS, {"metadata": {"name": "q"}, "spec": {"containers": [container]}}, "default")
            while not await site.condition("q"):
                await asyncio.sleep(0)
            raise ConnectionError("gone")

        Interfering(site, fail_once_the_other_is_refused)
        await site.pod("p", cpu="2")
        assert await site.where() == {"p": "", "q": "n1"}


async def test_a_pod_that_somebody_else_binds_first(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")
        await site.node("n2", cpu="2")

        async def steal() -> None:
            elsewhere = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n2"}}
            await site.server.post("/api/v1/namespaces/default/pods/p/binding", elsewhere)
            await site.server.cache.wait(site.server.cache.revision)

        await site.patch_node("n2", {"spec": {"unschedulable": True}})
        Interfering(site, steal)
        await site.pod("p", cpu="2")
        assert await site.where() == {"p": "n2"}
        assert (await site.condition("p"))["status"] == "True"
        assert await site.events() == []
        await site.patch_node("n2", {"spec": {"unschedulable": False}})
        await site.pod("q", cpu="2")
        await site.pod("r", cpu="2")
        assert await site.where() == {"p": "n2", "q": "n1", "r": ""}


async def test_a_pod_that_is_deleted_at_binding(site: Site) -> None:
    async with site.scheduling():
        await site.node("n1", cpu="2")

        async def remove() -> None:
            await site.server.delete("/api/v1/namespaces/default/pods/p", {"gracePeriodSeconds": 0})

        Interfering(site, remove)
        await site.pod("p", cpu="2")
        await site.pod("q", cpu="2")
        assert await site.where() == {"q": "n1"}


def stumble(demand: Demand) -> Check | None:
    def on(node: NodeInfo) -> tuple[str, ...]:
        raise ValueError("what now?")

    return on if demand.node_selector else None


async def test_a_plugin_that_stumbles_over_one_pod(site: Site) -> None:
    async with site.scheduling(Options(plugins=(*PLUGINS, Plugin("Stumbling", filter=stumble)))):
        await site.node("n1", labels={"a": "b"})
        await site.pod("strange", nodeSelector={"a": "b"})
        await site.pod("plain")
        assert await site.where() == {"strange": "", "plain": "n1"}
        told = await site.condition("strange")
        assert (told["reason"], told["message"]) == ("SchedulerError", "ValueError: what now?")
        await site.advance(1)
        assert [e["count"] for e in await site.all(EVENTS) if e["reason"] == "FailedScheduling"] == [2]
