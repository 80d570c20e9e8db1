"""The API server's front over TLS: identities, discovery, health, what goes on to kubelets; with the real kubectl."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from knarr.cluster.completing import own_address
from knarr.wire.messages import Answer, Duplex, Peer, Request, Response, Upgrade
from knarr.wire.server import Server
from tests.api.access import bind, role
from tests.api.certificates import Pair
from tests.api.front import Running
from tests.kubectl import installed

KUBECTLS = [installed()[0], installed()[-1]]
SPDY = {"connection": "Upgrade", "upgrade": "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io"}
FIFTH = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-protocol": "v5.channel.k8s.io"}
EXEC = "/api/v1/namespaces/default/pods/p/exec"


async def ask(front: Running, pair: Pair | None, path: str, **headers: str) -> Response:
    transport = front.transport(pair, **headers)
    try:
        target, _, query = path.partition("?")
        return await transport.request(Request("GET", target, query))
    finally:
        await transport.close()


async def test_nobody_is_anybody_but_for_health_and_version(front: Running) -> None:
    refused = await ask(front, None, "/api/v1/pods")
    what = 'User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
    assert json.loads(refused.body) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"pods is forbidden: {what}",
        "reason": "Forbidden",
        "details": {"kind": "pods"},
        "code": 403,
    }
    answers = {path: (await ask(front, None, path)).status for path in ("/livez", "/readyz", "/healthz", "/version")}
    assert set(answers.values()) == {200}
    assert (await ask(front, None, "/version", authorization="Bearer nonsense")).status == 401


async def test_a_stranger_with_a_certificate_is_forbidden(front: Running) -> None:
    bob = front.authority.issue("bob")
    refused = await ask(front, bob, "/api/v1/namespaces/default/pods")
    message = 'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"'
    status = json.loads(refused.body)
    assert (refused.status, status["message"], status["details"]) == (403, message, {"kind": "pods"})
    assert len(refused.headers["audit-id"]) == 36
    assert (await ask(front, bob, "/api", **{"audit-id": "mine"})).headers["audit-id"] == "mine"


async def test_a_service_accounts_token_opens_what_it_is_bound_to(front: Running) -> None:
    await role(front, "reader", "read: pods", "default")
    await bind(front, "Role", "reader", "ServiceAccount:default", namespace="default")
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = (await front.post(path, {"spec": {}}))["status"]["token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await ask(front, None, "/api/v1/namespaces/default/pods", **bearer)).status == 200
    assert (await ask(front, None, "/api/v1/namespaces/default/secrets", **bearer)).status == 403
    assert (await ask(front, None, "/api/v1/namespaces/kube-system/pods", **bearer)).status == 403


async def test_the_documents(front: Running, admin: Pair) -> None:
    index = json.loads((await ask(front, admin, "/")).body)["paths"]
    answers = {path: (await ask(front, admin, path)).status for path in index}
    assert {path: status for path, status in answers.items() if status != 200} == {}
    assert {"/api/v1", "/apis/apps/v1", "/livez/ping", "/metrics", "/openapi/v3/api/v1"} <= set(index)
    assert (await ask(front, admin, "/nowhere")).body == b"404 page not found\n"
    assert (await ask(front, admin, "/apis/nope/v1")).status == 404


async def test_discovery_in_both_forms_and_not_twice(front: Running, admin: Pair) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    aggregated = await ask(front, admin, "/apis", accept=accept)
    groups = {item["metadata"]["name"]: item for item in json.loads(aggregated.body)["items"]}
    deployments = next(r for r in groups["apps"]["versions"][0]["resources"] if r["resource"] == "deployments")
    assert deployments["shortNames"] == ["deploy"]
    scale = next(s for s in deployments["subresources"] if s["subresource"] == "scale")
    assert scale["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    again = await ask(front, admin, "/apis", accept=accept, **{"if-none-match": aggregated.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    plain = json.loads((await ask(front, admin, "/apis/apps/v1")).body)
    scale = next(r for r in plain["resources"] if r["name"] == "deployments/scale")
    assert scale == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }


async def test_an_oversized_body_is_413(front: Running, admin: Pair) -> None:
    transport = front.transport(admin)
    path = "/api/v1/namespaces/default/configmaps"
    answer = await transport.request(Request("POST", path, body=b" " * (3 * 1024 * 1024 + 1)))
    await transport.close()
    status = json.loads(answer.body)
    assert (answer.status, status["reason"]) == (413, "RequestEntityTooLarge")
    assert status["message"] == "Request entity too large: limit is 3145728"


async def test_metrics_count_what_was_asked(front: Running, admin: Pair) -> None:
    await ask(front, admin, "/api/v1/namespaces/default/pods")
    text = (await ask(front, admin, "/metrics")).body.decode()
    line = next(
        line for line in text.splitlines() if line.startswith("apiserver_request_total") and 'code="200"' in line
    )
    assert "apiserver_request_total{" in line
    assert 'resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"} 1' in text
    assert "apiserver_request_duration_seconds_bucket{" in text


@pytest.mark.parametrize("binary", KUBECTLS, ids=[path.name for path in KUBECTLS])
async def test_kubectl_discovers_and_explains(front: Running, admin: Pair, binary: Path) -> None:
    kubectl = front.kubectl(binary, admin)
    resources = await asyncio.to_thread(kubectl, "api-resources", "-o", "name")
    assert {"pods", "deployments.apps", "services", "leases.coordination.k8s.io"} <= set(resources.split())
    explained = await asyncio.to_thread(kubectl, "explain", "deployment.spec.strategy.type")
    assert "FIELD: type" in explained
    assert "v1.36.0+knarr" in await asyncio.to_thread(kubectl, "version")
    assert "ok" in await asyncio.to_thread(kubectl, "get", "--raw", "/readyz")


@pytest.mark.parametrize("binary", KUBECTLS, ids=[path.name for path in KUBECTLS])
async def test_kubectl_logs(front: Running, admin: Pair, binary: Path) -> None:
    await front.running_pod("p", "a", "b")
    kubectl = front.kubectl(binary, admin)
    assert await asyncio.to_thread(kubectl, "logs", "p", "-c", "b", "--tail=3", "-f") == "hello\n"
    asked = front.kubelet.asked[-1]
    assert (asked.path, asked.query) == ("/containerLogs/default/p/b", "follow=true&tailLines=3")
    assert front.kubelet.peers[-1].certificate
    front.kubelet.answer = Response(400, body=b'container "b" in pod "p" is waiting to start: ContainerCreating\n')
    failed = await asyncio.to_thread(kubectl.run, "logs", "p", "-c", "b")
    expected = 'Error from server (BadRequest): container "b" in pod "p" is waiting to start: ContainerCreating'
    assert failed.stderr.strip() == expected


@pytest.mark.parametrize("binary", KUBECTLS, ids=[path.name for path in KUBECTLS])
async def test_kubectl_exec_comes_to_the_kubelet_as_spdy(front: Running, admin: Pair, binary: Path) -> None:
    await front.running_pod("p", "a")
    front.kubelet.answer = Response(403, body=b"not today")
    kubectl = front.kubectl(binary, admin)
    failed = await asyncio.to_thread(kubectl.run, "exec", "p", "--", "echo", "a b")
    asked = front.kubelet.asked[-1]
    assert (asked.method, asked.path) == ("POST", "/exec/default/p/a")
    assert asked.query == "output=1&error=1&command=echo&command=a+b"
    assert asked.headers["upgrade"] == "SPDY/3.1"
    assert failed.returncode == 1
    assert "not today" in failed.stderr


@pytest.mark.parametrize(
    ("path", "headers", "code", "message"),
    [
        pytest.param(EXEC, {}, 400, "Upgrade request required", id="no upgrade"),
        pytest.param(EXEC, FIFTH, 400, "Upgrade request required", id="channels that the runtime does not know"),
        pytest.param(f"{EXEC}?container=x", SPDY, 400, "container x is not valid for pod p", id="no such container"),
        pytest.param(EXEC.replace("/p/", "/q/"), SPDY, 404, 'pods "q" not found', id="no such pod"),
    ],
)
async def test_exec_is_refused(front: Running, admin: Pair, path: str, headers: Any, code: int, message: str) -> None:
    await front.running_pod("p", "a")
    transport = front.transport(admin)
    target, _, query = path.partition("?")
    response, duplex = await transport.upgrade(Request("POST", target, query, headers))
    await transport.close()
    assert duplex is None
    status = json.loads(response.body)
    assert (response.status, status["message"].partition(":")[0]) == (code, message)


async def test_exec_tunnels_bytes_both_ways(front: Running, admin: Pair) -> None:
    async def shout(duplex: Duplex) -> None:
        while data := await duplex.read():
            await duplex.write(data.upper())

    await front.running_pod("p", "a")
    front.kubelet.answer = Upgrade(shout, {"upgrade": "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io"})
    transport = front.transport(admin)
    response, duplex = await transport.upgrade(Request("POST", EXEC, "command=sh&stdin=true", SPDY))
    assert duplex is not None
    assert response.headers["x-stream-protocol-version"] == "v4.channel.k8s.io"
    payload = bytes(range(97, 123)) * 50_000
    writing = asyncio.ensure_future(duplex.write(payload))
    received = b""
    while len(received) < len(payload):
        received += await duplex.read()
    await writing
    await duplex.close()
    await transport.close()
    assert received == payload.upper()


async def test_proxies_pass_requests_on(front: Running, admin: Pair) -> None:
    answer = await ask(front, admin, "/api/v1/nodes/n1/proxy/stats/summary?a=b")
    assert answer.body == b"hello\n"
    asked = front.kubelet.asked[-1]
    assert (asked.path, asked.query) == ("/stats/summary", "a=b")
    assert "authorization" not in asked.headers
    assert (await ask(front, admin, "/api/v1/nodes/n2/proxy/")).status == 404


@pytest.mark.parametrize("binary", KUBECTLS, ids=[path.name for path in KUBECTLS])
async def test_kubectl_port_forward_comes_to_the_kubelet_as_spdy(front: Running, admin: Pair, binary: Path) -> None:
    await front.running_pod("p", "a")
    await front.send("PATCH", "/api/v1/namespaces/default/pods/p/status", {"status": {"phase": "Running"}})
    front.kubelet.answer = Response(403, body=b"not today")
    kubectl = front.kubectl(binary, admin)
    failed = await asyncio.to_thread(kubectl.run, "port-forward", "p", "0:80")
    asked = front.kubelet.asked[-1]
    assert (asked.method, asked.path, asked.headers["upgrade"]) == ("POST", "/portForward/default/p", "SPDY/3.1")
    assert "not today" in failed.stderr


async def test_pods_and_services_are_reached_through_their_proxies(front: Running, admin: Pair) -> None:
    async def backend(request: Request, peer: Peer) -> Answer:
        assert "authorization" not in request.headers
        return Response(200, {"x-path": request.path}, request.query.encode())

    web, address = Server(backend), own_address()
    port = await web.listen(address)
    await front.running_pod("p", "a")
    status = {"podIP": address, "podIPs": [{"ip": address}]}
    await front.send("PATCH", "/api/v1/namespaces/default/pods/p/status", {"status": status})
    await front.post(
        "/api/v1/namespaces/default/services",
        {
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": {"name": "s"},
            "spec": {"ports": [{"name": "w", "port": 80}]},
        },
    )
    subsets = [{"addresses": [{"ip": address}], "ports": [{"name": "w", "port": port}]}]
    endpoints = {"kind": "Endpoints", "apiVersion": "v1", "metadata": {"name": "s"}, "subsets": subsets}
    await front.post("/api/v1/namespaces/default/endpoints", endpoints)
    for name in (f"pods/p:{port}", "services/s", "services/s:w", "services/http:s:80"):
        answer = await ask(
            front, admin, f"/api/v1/namespaces/default/{name}/proxy/b%20c/?d=e", authorization="Bearer x"
        )
        assert (name, answer.status, answer.headers.get("x-path"), answer.body) == (name, 200, "/b%20c/", b"d=e")
    refused = await ask(front, admin, "/api/v1/namespaces/default/services/s:nope/proxy/")
    assert (refused.status, json.loads(refused.body)["message"]) == (
        503,
        'no service port "nope" found for service "s"',
    )
    await web.close(grace=0)


async def test_a_pod_without_an_address_is_not_reached(front: Running, admin: Pair) -> None:
    await front.running_pod("p", "a")
    answer = await ask(front, admin, "/api/v1/namespaces/default/pods/p/proxy/")
    assert (answer.status, json.loads(answer.body)["message"]) == (400, "address not allowed")


@pytest.mark.parametrize("binary", KUBECTLS, ids=[path.name for path in KUBECTLS])
async def test_kubectl_auth(front: Running, binary: Path) -> None:
    bob = front.kubectl(binary, front.authority.issue("bob", "builders"))
    if binary is KUBECTLS[-1]:  # the oldest knows no stable SelfSubjectReview
        who = json.loads(await asyncio.to_thread(bob, "auth", "whoami", "-o", "json"))["status"]["userInfo"]
        assert (who["username"], who["groups"]) == ("bob", ["builders", "system:authenticated"])
    assert (await asyncio.to_thread(bob.run, "auth", "can-i", "list", "pods")).stdout.strip() == "no"
    assert (await asyncio.to_thread(bob.run, "auth", "can-i", "get", "/readyz")).stdout.strip() == "yes"
