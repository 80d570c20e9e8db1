"""ResourceQuotas at work: what is created is charged at once, what goes is given back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from knarr.client.resources import DEPLOYMENTS, RESOURCE_QUOTAS, SERVICES
from knarr.client.resources import PODS as POD
from knarr.controllers import deployment, replicaset, resourcequota
from knarr.machinery.errors import Forbidden
from tests.api.cluster import Cluster
from tests.api.definitions import GROUP, WIDGETS, definition, established, widget
from tests.api.harness import STRATEGIC, Server
from tests.api.objects import CONFIG_MAPS, PODS, config_map, pod
from tests.kubectl import Kubectl

JSON = dict[str, Any]
QUOTAS = "/api/v1/namespaces/default/resourcequotas"


def asking(**resources: JSON) -> list[JSON]:
    return [{"name": "c", "image": "i", "resources": resources}]


async def set_quota(server: Server, hard: JSON, name: str = "q", **spec: Any) -> None:
    """A quota that has been counted: there is nothing yet."""
    made = await server.post(QUOTAS, {"metadata": {"name": name}, "spec": {"hard": hard, **spec}})
    assert made.status == 201, made.body
    status = {"hard": made.body["spec"]["hard"], "used": dict.fromkeys(hard, "0")}
    assert (await server.patch(f"{QUOTAS}/{name}/status", {"status": status})).status == 200


async def used(server: Server, name: str = "q") -> JSON:
    found: JSON = (await server.get(f"{QUOTAS}/{name}")).body["status"]["used"]
    return found


async def test_what_is_created_is_charged_in_the_same_commit(server: Server) -> None:
    await set_quota(server, {"pods": "2", "requests.cpu": "1", "limits.memory": "1Gi"})
    created = await server.post(
        PODS, pod(containers=asking(requests={"cpu": "500m"}, limits={"memory": "512Mi", "cpu": "500m"}))
    )
    assert created.status == 201, created.body
    assert await used(server) == {"pods": "1", "requests.cpu": "500m", "limits.memory": "512Mi"}
    quota = (await server.get(f"{QUOTAS}/q")).body
    assert quota["metadata"]["resourceVersion"] == created.body["metadata"]["resourceVersion"]


async def test_what_does_not_fit_is_refused_and_not_charged(server: Server) -> None:
    await set_quota(server, {"requests.cpu": "1", "requests.memory": "1Gi", "pods": "5"})
    refused = await server.post(PODS, pod(containers=asking(requests={"cpu": "2", "memory": "2Gi"})))
    assert (refused.status, refused.body["reason"], refused.body["message"]) == (
        403,
        "Forbidden",
        'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=2,requests.memory=2Gi, '
        "used: requests.cpu=0,requests.memory=0, limited: requests.cpu=1,requests.memory=1Gi",
    )
    assert await used(server) == {"pods": "0", "requests.cpu": "0", "requests.memory": "0"}


async def test_what_a_quota_counts_must_be_said(server: Server) -> None:
    await set_quota(server, {"limits.cpu": "1", "requests.memory": "1Gi"})
    refused = await server.post(PODS, pod(initContainers=[{"name": "a", "image": "i"}]))
    assert refused.body["message"] == (
        'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: a,c; requests.memory for: a,c'
    )


async def test_a_quota_that_nobody_has_counted_lets_nothing_pass(server: Server) -> None:
    await set_quota(server, {"pods": "1"})
    await server.patch(f"{QUOTAS}/q/status", {"status": {"used": None}})
    refused = await server.post(PODS, pod())
    assert refused.body["message"] == 'pods "p" is forbidden: status unknown for quota: q, resources: pods'


async def test_a_dry_run_is_judged_and_not_charged(server: Server) -> None:
    await set_quota(server, {"count/configmaps": "1"})
    assert (await server.post(CONFIG_MAPS, config_map("a"), dryRun="All")).status == 201
    assert await used(server) == {"count/configmaps": "0"}
    await server.post(CONFIG_MAPS, config_map("a"))
    assert (await server.post(CONFIG_MAPS, config_map("b"), dryRun="All")).status == 403


async def test_a_hundred_at_once_are_charged_exactly(server: Server) -> None:
    await set_quota(server, {"count/configmaps": "60", "configmaps": "80"})
    answers = await asyncio.gather(*(server.post(CONFIG_MAPS, config_map(f"c{n}")) for n in range(100)))
    assert sorted(answer.status for answer in answers) == [201] * 60 + [403] * 40
    assert await used(server) == {"configmaps": "60", "count/configmaps": "60"}


async def test_an_update_is_charged_with_the_difference(server: Server) -> None:
    await set_quota(server, {"services.nodeports": "2", "services": "5"})
    services = "/api/v1/namespaces/default/services"
    await server.post(services, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    assert await used(server) == {"services": "1", "services.nodeports": "0"}
    ports = [{"port": n, "name": f"p{n}"} for n in (80, 81, 82)]
    refused = await server.patch(f"{services}/s", {"spec": {"type": "NodePort", "ports": ports}})
    assert (refused.status, refused.body["message"]) == (
        403,
        'services "s" is forbidden: exceeded quota: q, '
        "requested: services.nodeports=3, used: services.nodeports=0, limited: services.nodeports=2",
    )
    assert (await server.patch(f"{services}/s", {"spec": {"type": "NodePort"}})).status == 200
    assert await used(server) == {"services": "1", "services.nodeports": "1"}


async def test_a_resize_must_fit(server: Server) -> None:
    await set_quota(server, {"requests.cpu": "2"})
    await server.post(PODS, pod(containers=asking(requests={"cpu": "1"})))

    async def resize(cpu: str) -> tuple[int, str]:
        containers = [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]
        answer = await server.patch(f"{PODS}/p/resize", {"spec": {"containers": containers}}, STRATEGIC)
        return answer.status, answer.body.get("message", "")

    assert await resize("3") == (
        403,
        'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=1, '
        "limited: requests.cpu=2",
    )
    assert (await resize("2"))[0] == 200
    assert await used(server) == {"requests.cpu": "2"}


async def test_what_shrinks_may_do_so_above_a_quota_that_was_lowered(server: Server) -> None:
    services = "/api/v1/namespaces/default/services"
    ports = [{"port": n, "name": f"p{n}"} for n in (80, 81, 82)]
    await server.post(services, {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": ports}})
    await set_quota(server, {"services.nodeports": "1"})
    await server.patch(f"{QUOTAS}/q/status", {"status": {"used": {"services.nodeports": "3"}}})
    answer = await server.patch(f"{services}/s", {"spec": {"ports": ports[:2]}})
    assert answer.status == 200
    assert await used(server) == {"services.nodeports": "2"}


@pytest.fixture
def cluster(server: Server) -> Cluster:
    return Cluster(server)


async def status(cluster: Cluster) -> JSON:
    found: JSON = (await cluster.get(RESOURCE_QUOTAS, "q"))["status"]
    return found


CONTAINERS = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]


async def test_a_new_quota_counts_what_is_there(cluster: Cluster) -> None:
    async with cluster.running(resourcequota.CONTROLLER):
        await cluster.create(POD, "p", {"containers": CONTAINERS})
        await cluster.create(SERVICES, "s", {"ports": [{"port": 80}]})
        hard = {"pods": "3", "cpu": "3", "services": "2", "count/pods": "9", "count/nothing.example.com": "1"}
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": hard})
        assert await status(cluster) == {
            "hard": hard,
            "used": {"pods": "1", "cpu": "1", "services": "1", "count/pods": "1"},
        }


async def test_what_ends_or_goes_is_given_back(cluster: Cluster) -> None:
    async with cluster.running(resourcequota.CONTROLLER):
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": {"pods": "2", "count/pods": "2", "services": "1"}})
        one = await cluster.create(POD, "one", {"containers": CONTAINERS})
        await cluster.create(POD, "two", {"containers": CONTAINERS})
        await cluster.create(SERVICES, "s", {"ports": [{"port": 80}]})
        with pytest.raises(Forbidden):
            await cluster.create(POD, "three", {"containers": CONTAINERS})
        await cluster.end(one)
        assert (await status(cluster))["used"] == {"count/pods": "2", "pods": "1", "services": "1"}
        await cluster.client.delete(POD, "two", "default")
        await cluster.client.delete(SERVICES, "s", "default")
        await cluster.settle()
        assert (await status(cluster))["used"] == {"count/pods": "1", "pods": "0", "services": "0"}


async def test_a_changed_quota_is_counted_anew(cluster: Cluster) -> None:
    async with cluster.running(resourcequota.CONTROLLER):
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": {"pods": "2"}})
        await cluster.create(POD, "one", {"containers": CONTAINERS})
        await cluster.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"pods": None, "requests.cpu": "1500m"}}})
        assert await status(cluster) == {"hard": {"requests.cpu": "1500m"}, "used": {"requests.cpu": "1"}}


async def test_custom_resources_are_counted_once_they_are_served(cluster: Cluster) -> None:
    entry = f"count/widgets.{GROUP}"
    async with cluster.running(resourcequota.CONTROLLER):
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": {entry: "1"}})
        assert await status(cluster) == {"hard": {entry: "1"}}
        await established(cluster.server, definition())
        early = await cluster.server.post(WIDGETS, widget("early"))
        assert early.body["message"].endswith(f"is forbidden: status unknown for quota: q, resources: {entry}")
        await cluster.advance(30)
        assert (await cluster.server.post(WIDGETS, widget("one"))).status == 201
        assert (await status(cluster))["used"] == {entry: "1"}
        two = await cluster.server.post(WIDGETS, widget("two"))
        assert two.body["message"].endswith(
            f"exceeded quota: q, requested: {entry}=1, used: {entry}=1, limited: {entry}=1"
        )
        await cluster.server.delete(f"{WIDGETS}/one")
        await cluster.settle()
        assert (await status(cluster))["used"] == {entry: "0"}


async def test_a_wrong_count_is_mended_within_five_minutes(cluster: Cluster) -> None:
    async with cluster.running(resourcequota.CONTROLLER):
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": {"pods": "2"}})
        await cluster.patch(RESOURCE_QUOTAS, "q", {"status": {"used": {"pods": "2"}}}, "status")
        assert (await status(cluster))["used"] == {"pods": "2"}
        await cluster.advance(300)
        assert (await status(cluster))["used"] == {"pods": "0"}


async def test_a_deployment_goes_as_far_as_its_quota(cluster: Cluster) -> None:
    async with cluster.running(resourcequota.CONTROLLER, deployment.CONTROLLER, replicaset.CONTROLLER):
        await cluster.create(RESOURCE_QUOTAS, "q", {"hard": {"pods": "2"}})
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": CONTAINERS}}
        spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
        await cluster.create(DEPLOYMENTS, "web", spec)
        assert len(await cluster.all(POD)) == 2
        assert (await status(cluster))["used"] == {"pods": "2"}
        conditions = {c["type"]: c for c in (await cluster.get(DEPLOYMENTS, "web"))["status"]["conditions"]}
        assert conditions["ReplicaFailure"]["message"].endswith(
            "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
        )
        await cluster.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"pods": "3"}}})
        await cluster.advance(60)
        assert len(await cluster.all(POD)) == 3


def test_kubectl_is_told_that_a_quota_is_full(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "q", "--hard=configmaps=2,secrets=5")
    quota = {"status": {"hard": {"configmaps": "2", "secrets": "5"}, "used": {"configmaps": "1", "secrets": "0"}}}
    kubectl("patch", "quota", "q", "--subresource=status", "--type=merge", "-p", json.dumps(quota))
    kubectl("create", "configmap", "one")
    said = kubectl.run("create", "configmap", "two").stderr
    assert said.strip() == (
        'error: failed to create configmap: configmaps "two" is forbidden: exceeded quota: q, '
        "requested: configmaps=1, used: configmaps=2, limited: configmaps=2"
    )
    assert "configmaps  2     2" in kubectl("describe", "quota", "q")
