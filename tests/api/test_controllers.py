"""Controllers as their own accounts, before the whole server: nothing that they do in a cluster's life is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from knarr.api.serviceaccounts import ACCOUNT_NAME
from knarr.api.signers import KUBELET_CLIENT, KUBELET_SERVING
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SIGNING_REQUESTS,
    VALIDATING_ADMISSION_POLICIES,
    Resource,
)
from knarr.cluster.accounts import Accounts, LocalTransport, TokenTransport
from knarr.cluster.server import control
from knarr.controllers.table import CONTROLLERS
from knarr.machinery.clock import RealClock
from knarr.machinery.errors import NotFound
from tests.api.access import RBAC, bind, binding
from tests.api.front import NODE, Running, running
from tests.api.kubelets import play_kubelets
from tests.kubectl import newest
from tests.rights import MANAGER
from tests.signingrequests import named, request, spec
from tests.unit.apiserver.authn.keyrings import keys

AGENT, CLOCK = "kube-controller-manager/test", RealClock()
PATIENCE = 20.0
SELF_NODE_CLIENT = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
LABELS = {"app": "web"}
ACCOUNTS = {
    "bootstrap-signer",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "generic-garbage-collector",
    "job-controller",
    "kubelet-serving-approver",  # which upstream does not have
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "pod-garbage-collector",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "service-account-controller",
    "token-cleaner",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
}


class Site:
    """A server with its controllers; objects are plain JSON, in the namespace `default` unless told otherwise."""

    def __init__(self, front: Running) -> None:
        self.front, self.client = front, Client(front.admin)

    async def create(self, resource: Resource, name: str, namespace: str = "default", **content: Any) -> JSON:
        metadata = {"name": name, **content.pop("metadata", {})}
        return await self.client.create(resource, {"metadata": metadata, **content}, namespace, view=dict)

    async def seen(
        self, resource: Resource, name: str, right: Callable[[JSON], Any], namespace: str = "default"
    ) -> JSON:
        """The object as soon as it is right."""
        async with asyncio.timeout(PATIENCE):
            named = f"metadata.name={name}"
            watch = self.client.watch(resource, namespace, view=dict, resource_version="0", field_selector=named)
            async for event in watch:
                if event.type != "BOOKMARK" and event.type != "DELETED" and right(event.object):
                    return event.object
        raise AssertionError("the watch has ended")

    async def gone(self, resource: Resource, name: str, namespace: str = "default") -> None:
        """Wait until there is no such object."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.client.get(resource, name, namespace, view=dict)
                except NotFound:
                    return
                await asyncio.sleep(0.02)

    async def refused(self) -> float:
        """How many requests of whomever the server found nobody to allow."""
        text = (await self.client.document("/metrics", "text/plain")).decode()
        results = dict(re.findall(r'^authorization_attempts_total\{result="(\S+)"\} (\S+)$', text, re.MULTILINE))
        return sum(float(count) for result, count in results.items() if result != "allowed")


def local(front: Running) -> tuple[Client, Accounts]:
    """In the server's process."""
    manager = User(MANAGER, groups=(AUTHENTICATED,))
    client = Client(InProcessTransport(front.application, manager), user_agent=AGENT)
    return client, Accounts(client, lambda account: LocalTransport(account, front.application, front.registry))


def remote(front: Running) -> tuple[Client, Accounts]:
    """From a process of their own."""
    client = Client(front.transport(front.authority.issue(MANAGER)), user_agent=AGENT)
    return client, Accounts(client, partial(TokenTransport, clock=CLOCK, shared=front.transport()))


@pytest.fixture(params=[local, remote], ids=["in process", "over HTTPS"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path) as front, controlled(front, *request.param(front)) as site:
        yield site


@asynccontextmanager
async def controlled(front: Running, client: Client, accounts: Accounts | None) -> AsyncIterator[Site]:
    """The server with its controllers, and kubelets."""
    site = Site(front)
    working = [
        asyncio.create_task(control(client, accounts, CLOCK, _settings(front))),
        asyncio.create_task(play_kubelets(site.client)),
    ]
    try:
        yield site
    finally:
        for task in working:
            task.cancel()
        await asyncio.wait(working)
        await client.close()


def _settings(front: Running) -> dict[str, str]:
    certificate, key = front.authority.pem()
    return {
        "root-ca-file": "PEM",
        "service-account-private-key-file": keys("ours").private.decode(),
        "service-cluster-ip-range": "10.96.0.0/16",
        "cluster-signing-cert-file": certificate,
        "cluster-signing-key-file": key,
    }


async def test_nothing_that_controllers_do_is_refused(site: Site) -> None:
    await asyncio.gather(
        _rollout(site),
        _job(site),
        _namespace(site),
        _quota(site),
        _addresses(site),
        _cascades(site),
        _eviction(site),
        _protection(site),
        _aggregation(site),
        _root_certificate(site),
        _expressions(site),
        _certificates(site),
        _tokens(site),
    )
    assert await site.refused() == 0


async def test_the_accounts_are_there_for_all_to_see(site: Site) -> None:
    await site.seen(SERVICE_ACCOUNTS, "validatingadmissionpolicy-status-controller", bool, "kube-system")
    kubectl = site.front.kubectl(newest(), site.front.authority.issue("admin", "system:masters"))
    for name in ACCOUNTS:
        await site.seen(SERVICE_ACCOUNTS, name, bool, "kube-system")
    shown = await asyncio.to_thread(kubectl, "get", "serviceaccounts", "-n", "kube-system", "-o", "name")
    assert {line.removeprefix("serviceaccount/") for line in shown.split()} - {"default"} == ACCOUNTS
    assert {controller.identity for controller in CONTROLLERS} - {None} == ACCOUNTS


async def test_an_account_that_is_deleted_comes_back_when_it_is_needed(site: Site) -> None:
    await _rollout(site)
    before = await site.client.get(SERVICE_ACCOUNTS, "replicaset-controller", "kube-system", view=dict)
    await site.client.delete(SERVICE_ACCOUNTS, "replicaset-controller", "kube-system")
    await site.client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 4}}, "default")
    await site.seen(DEPLOYMENTS, "web", lambda web: web["status"].get("readyReplicas") == 4)
    after = await site.client.get(SERVICE_ACCOUNTS, "replicaset-controller", "kube-system", view=dict)
    assert before["metadata"]["uid"] != after["metadata"]["uid"]


async def test_who_wrote_is_called_as_upstream_calls_it(site: Site) -> None:
    await _rollout(site)
    web = await site.client.get(DEPLOYMENTS, "web", "default", view=dict)
    managers = {(entry["manager"], entry.get("subresource", "")) for entry in web["metadata"]["managedFields"]}
    assert managers == {("knarr", ""), ("kube-controller-manager", "status")}
    events = [e async for e in _events(site, "ScalingReplicaSet")]
    assert {(e["source"]["component"], e["reportingComponent"]) for e in events} == {
        ("deployment-controller", "deployment-controller")
    }


async def _events(site: Site, reason: str) -> AsyncIterator[JSON]:
    for event in (await site.client.list(EVENTS, "default", view=dict)).items:
        if event["reason"] == reason:
            yield event


async def test_all_may_act_as_the_controller_manager(tmp_path: Path) -> None:
    async with running(tmp_path) as front:
        bound = {**binding("ClusterRole", "cluster-admin", f"User:{MANAGER}"), "metadata": {"name": "manager"}}
        await front.post(f"{RBAC}/clusterrolebindings", bound)
        client, _ = remote(front)
        async with controlled(front, client, None) as site:
            await _rollout(site)
            accounts = (await site.client.list(SERVICE_ACCOUNTS, "kube-system", view=dict)).items
            assert {account["metadata"]["name"] for account in accounts} <= {"default"}


def _template(image: str = "i:1", **spec: Any) -> JSON:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}], **spec}}


async def _rollout(site: Site) -> None:
    """Out, on, down: a ReplicaSet takes the place of another, whose Pods go."""
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "revisionHistoryLimit": 0}
    await site.create(DEPLOYMENTS, "web", spec={**spec, "template": _template()})
    await site.seen(DEPLOYMENTS, "web", lambda web: web["status"].get("readyReplicas") == 2)
    await site.client.patch(DEPLOYMENTS, "web", {"spec": {"template": _template("i:2")}}, "default")
    await site.seen(
        DEPLOYMENTS,
        "web",
        lambda web: (
            web["status"].get("updatedReplicas") == web["status"].get("replicas") == 2
            and web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
            and web["status"]["observedGeneration"] == 2
        ),
    )
    await site.client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 1}}, "default")
    await site.seen(DEPLOYMENTS, "web", lambda web: web["status"].get("replicas") == 1)


async def _job(site: Site) -> None:
    template = _template(restartPolicy="Never") | {"metadata": {}}
    await site.create(JOBS, "work", spec={"completions": 3, "parallelism": 2, "template": template})
    done = await site.seen(JOBS, "work", lambda job: "completionTime" in job.get("status", {}))
    assert done["status"]["succeeded"] == 3
    await site.client.delete(JOBS, "work", "default", propagation="Foreground")
    await site.gone(JOBS, "work")


async def _namespace(site: Site) -> None:
    """With what is in it: an account and a certificate that each has, and something of a user's."""
    await site.create(NAMESPACES, "shop", "")
    await site.seen(SERVICE_ACCOUNTS, "default", bool, "shop")
    await site.seen(CONFIG_MAPS, "kube-root-ca.crt", bool, "shop")
    await site.create(PODS, "p", "shop", spec={"containers": [{"name": "c", "image": "i"}]})
    await site.create(CONFIG_MAPS, "held", "shop", metadata={"finalizers": ["example.com/held"]})
    await site.client.delete(NAMESPACES, "shop")
    await site.seen(NAMESPACES, "shop", lambda shop: len(shop.get("status", {}).get("conditions", ())) == 5, "")
    await site.client.patch(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}}, "shop")
    await site.gone(NAMESPACES, "shop", "")


async def _quota(site: Site) -> None:
    await site.create(NAMESPACES, "small", "")
    await site.create(RESOURCE_QUOTAS, "few", "small", spec={"hard": {"configmaps": "10", "pods": "1"}})
    used = await site.seen(RESOURCE_QUOTAS, "few", lambda q: "used" in q.get("status", {}), "small")
    assert used["status"]["used"]["pods"] == "0"


async def _addresses(site: Site) -> None:
    """A Service's Pods, and what somebody wrote by hand for a Service that selects none."""
    labels = {"app": "shown"}
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": NODE}
    await site.create(PODS, "shown", metadata={"labels": labels}, spec=spec)
    await site.create(SERVICES, "shown", spec={"selector": labels, "ports": [{"port": 80}]})
    await site.seen(ENDPOINTS, "shown", lambda found: (found.get("subsets") or [{}])[0].get("addresses"))
    await site.client.delete(PODS, "shown", "default")
    await site.seen(ENDPOINTS, "shown", lambda found: not found.get("subsets"))
    await site.create(SERVICES, "mine", spec={"ports": [{"port": 80}]})
    subset = {"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}
    await site.create(ENDPOINTS, "mine", subsets=[subset])
    await site.client.patch(ENDPOINTS, "mine", {"subsets": [{**subset, "addresses": [{"ip": "192.0.2.2"}]}]}, "default")
    async with asyncio.timeout(PATIENCE):
        while "192.0.2.2" not in await _mirrored(site):
            await asyncio.sleep(0.02)
    for name in ("shown", "mine"):
        await site.client.delete(SERVICES, name, "default")
    await site.gone(ENDPOINTS, "shown")


async def _mirrored(site: Site) -> list[str]:
    slices = (await site.client.list(ENDPOINT_SLICES, "default", view=dict)).items
    return [ip for found in slices for each in found["endpoints"] or () for ip in each["addresses"]]


async def _cascades(site: Site) -> None:
    """What is owned goes with its owner, before it, or stays behind."""
    for propagation in ("Background", "Foreground", "Orphan"):
        owner = await site.create(CONFIG_MAPS, "owner")
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
        await site.create(CONFIG_MAPS, "owned", metadata={"ownerReferences": [reference]})
        await site.client.delete(CONFIG_MAPS, "owner", "default", propagation=propagation)
        await site.gone(CONFIG_MAPS, "owner")
        if propagation != "Orphan":
            await site.gone(CONFIG_MAPS, "owned")
    left = await site.seen(CONFIG_MAPS, "owned", bool)
    assert "ownerReferences" not in left["metadata"]


async def _eviction(site: Site) -> None:
    await site.create(NODES, "n2", "")
    await site.create(PODS, "guest", spec={"containers": [{"name": "c", "image": "i"}], "nodeName": "n2"})
    await site.seen(PODS, "guest", lambda pod: pod["status"]["phase"] == "Running")
    await site.client.patch(NODES, "n2", {"spec": {"taints": [{"key": "out", "effect": "NoExecute"}]}})
    await site.gone(PODS, "guest")


async def _protection(site: Site) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await site.create(PERSISTENT_VOLUME_CLAIMS, "disk", spec=spec)
    await site.client.delete(PERSISTENT_VOLUME_CLAIMS, "disk", "default")
    await site.gone(PERSISTENT_VOLUME_CLAIMS, "disk")


async def _aggregation(site: Site) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    await site.create(CLUSTER_ROLES, "part", "", metadata={"labels": {"of": "whole"}}, rules=[rule])
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"of": "whole"}}]}
    await site.create(CLUSTER_ROLES, "whole", "", aggregationRule=selectors)
    await site.seen(CLUSTER_ROLES, "whole", lambda role: role.get("rules") == [rule], "")


async def _root_certificate(site: Site) -> None:
    await site.seen(CONFIG_MAPS, "kube-root-ca.crt", bool)
    await site.client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "forged"}}, "default")
    await site.seen(CONFIG_MAPS, "kube-root-ca.crt", lambda found: found["data"] == {"ca.crt": "PEM"})


async def _certificates(site: Site) -> None:
    """A kubelet asks for what it shows as a client, and as a server."""
    user, groups = "system:node:n3", ("system:nodes", AUTHENTICATED)
    await site.create(NODES, "n3", "")
    addresses = {"addresses": [{"type": "InternalIP", "address": "192.0.2.3"}]}
    await site.client.patch(NODES, "n3", {"status": addresses}, subresource="status")
    kubelet = Client(InProcessTransport(site.front.application, User(user, groups=groups)))
    subject = named(user, "system:nodes")
    wanted = {
        "client": spec(request(subject), KUBELET_CLIENT, "digital signature", "client auth"),
        "server": spec(request(subject, "192.0.2.3"), KUBELET_SERVING, "digital signature", "server auth"),
    }
    await bind(site.front, "ClusterRole", SELF_NODE_CLIENT, "Group:system:nodes")
    for name, asked in wanted.items():
        await kubelet.create(SIGNING_REQUESTS, {"metadata": {"name": name}, "spec": asked})
        await site.seen(SIGNING_REQUESTS, name, lambda found: found.get("status", {}).get("certificate"), "")


async def _tokens(site: Site) -> None:
    """A Secret of an account gets its token; a bootstrap token signs, and goes when it is over."""
    kind = "kubernetes.io/service-account-token"
    await site.create(SERVICE_ACCOUNTS, "builder")
    await site.create(SECRETS, "t", metadata={"annotations": {ACCOUNT_NAME: "builder"}}, type=kind)
    await site.seen(SECRETS, "t", lambda secret: "token" in secret.get("data", {}))
    await site.client.delete(SERVICE_ACCOUNTS, "builder", "default")
    await site.gone(SECRETS, "t")
    await site.create(CONFIG_MAPS, "cluster-info", "kube-public", data={"kubeconfig": "x"})
    for name, expiration in (("abcdef", "2999-01-01T00:00:00Z"), ("fedcba", "2001-01-01T00:00:00Z")):
        data = {"token-id": name, "token-secret": "0123456789abcdef", "expiration": expiration}
        data["usage-bootstrap-signing"] = "true"
        secret = {"type": "bootstrap.kubernetes.io/token", "stringData": data}
        await site.create(SECRETS, f"bootstrap-token-{name}", "kube-system", **secret)
    await site.seen(CONFIG_MAPS, "cluster-info", lambda found: "jws-kubeconfig-abcdef" in found["data"], "kube-public")
    await site.gone(SECRETS, "bootstrap-token-fedcba", "kube-system")


async def _expressions(site: Site) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "object.spec.nonsense == 1"}],
    }
    await site.create(VALIDATING_ADMISSION_POLICIES, "odd", "", spec=spec)
    await site.seen(
        VALIDATING_ADMISSION_POLICIES, "odd", lambda policy: policy.get("status", {}).get("typeChecking"), ""
    )
