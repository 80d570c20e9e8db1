"""API aggregation over real TLS: requests passed on in their users' names, availability, registrations."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from knarr.apiserver.aggregation import proxying
from knarr.wire.messages import Request, Response
from tests.api.backends import GROUP, NAME, PATH, Backend
from tests.api.definitions import GROUP as CUSTOM
from tests.api.definitions import definition
from tests.api.front import Running
from tests.kubectl import Kubectl, installed

JSON = dict[str, Any]
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


async def get(front: Running, path: str, query: str = "", **headers: str) -> Response:
    answer = await front.admin.request(Request("GET", path, query, headers))
    assert isinstance(answer, Response)
    return answer


async def condition(front: Running, status: str = "", reason: str = "", name: str = NAME) -> JSON:
    """The condition Available, once it is as expected."""
    async with asyncio.timeout(10):
        while True:
            answer = await get(front, f"{SERVICES}/{name}")
            tree = json.loads(answer.body) if answer.status == 200 else {}
            found: JSON = next(iter(tree.get("status", {}).get("conditions", ())), {})
            if found and status in ("", found["status"]) and reason in ("", found["reason"]):
                return found
            await asyncio.sleep(0.01)


async def join(front: Running, wardle: Backend) -> None:
    """Register the backend, and wait until it is known to be there."""
    await front.post("/api/v1/namespaces/default/services", wardle.service())
    await front.post(SERVICES, wardle.registration())
    await condition(front, "True", "Passed")


async def test_a_request_goes_on_in_its_users_name(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    alice = front.authority.issue("alice, the first", "system:masters", "a,b")
    forged = {"x-remote-user": "root", "x-remote-group": "wheel", "x-remote-extra-a": "b", "x-mine": "yes"}
    transport = front.transport(alice, **forged)
    answer = await transport.request(Request("GET", f"{PATH}/flunders", "limit=5"))
    await transport.close()
    assert json.loads(answer.body)["kind"] == "FlunderList"
    asked, peer = next(pair for pair in wardle.asked if pair[0].path == f"{PATH}/flunders")
    assert (asked.query, asked.headers["host"]) == ("limit=5", f"wardle.default.svc:{wardle.port}")
    assert (asked.headers["x-remote-user"], asked.headers["x-mine"]) == ("alice, the first", "yes")
    assert asked.headers["x-remote-group"] == "system:masters, a,b, system:authenticated"
    assert "x-remote-extra-a" not in asked.headers
    certificate = x509.load_der_x509_certificate(peer.certificate or b"")
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "front-proxy-client"


async def test_a_request_goes_on_in_the_name_of_whom_it_is_made_as(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    acting = {
        "impersonate-user": "system:serviceaccount:shop:robot",
        "impersonate-uid": "7",
        "impersonate-extra-a": "b",
    }
    groups = (("impersonate-group", "system:masters"), ("impersonate-group", "a,b"))
    transport = front.transport(front.authority.issue("kubernetes-admin", "system:masters"))
    await transport.request(Request("GET", f"{PATH}/flunders", headers=acting, repeated=groups))
    await transport.close()
    headers = wardle.requests(f"{PATH}/flunders")[0].headers
    told = {name: value for name, value in headers.items() if name.startswith(("x-remote-", "impersonate-"))}
    assert told == {
        "x-remote-user": "system:serviceaccount:shop:robot",
        "x-remote-uid": "7",
        "x-remote-group": "system:masters, a,b, system:authenticated",
        "x-remote-extra-a": "b",
    }


async def test_who_may_not_is_refused_here(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    transport = front.transport(front.authority.issue("bob"))
    answer = await transport.request(Request("GET", f"{PATH}/flunders"))
    await transport.close()
    assert answer.status == 403
    assert wardle.requests(f"{PATH}/flunders") == []


async def test_bodies_and_answers_pass_untouched(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    path = f"{PATH}/namespaces/default/flunders"
    wardle.answers[path] = Response(418, {"content-type": "text/teapot", "x-own": "1"}, b"\xff" * 300_000)
    answer = await front.admin.request(Request("POST", path, "dryRun=All", {"content-type": "x/y"}, b"\x00\x01"))
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers["content-type"], answer.headers["x-own"]) == (418, "text/teapot", "1")
    assert answer.body == b"\xff" * 300_000
    asked = wardle.requests(path)[0]
    assert (asked.method, asked.query, asked.headers["content-type"], asked.body) == (
        "POST",
        "dryRun=All",
        "x/y",
        b"\x00\x01",
    )
    wardle.answers[path] = Response(204)
    transport = front.transport(front.authority.issue("kubernetes-admin", "system:masters"))
    assert [(await transport.request(Request("DELETE", path))).status for _ in range(2)] == [204, 204]
    await transport.close()


async def test_an_answer_that_does_not_begin(front: Running, wardle: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    await join(front, wardle)
    monkeypatch.setattr(proxying, "MOST_SECONDS", 0.05)
    path = f"{PATH}/namespaces/default/flunders/slow"
    wardle.slow.add(path)
    answer = await get(front, path)
    assert (answer.status, json.loads(answer.body)["reason"]) == (504, "Timeout")


async def test_a_watch_streams(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    transport = front.transport(front.authority.issue("kubernetes-admin", "system:masters"))
    watch = await transport.stream(Request("GET", f"{PATH}/flunders", "watch=true"))
    seen = b""
    async for chunk in watch:
        seen += chunk
        if seen.count(b"\n") == 2:
            break
    await watch.close()
    await transport.close()
    names = [json.loads(line)["object"]["metadata"]["name"] for line in seen.splitlines()]
    assert names == ["a", "b"]


async def test_an_upgrade_is_joined(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    transport = front.transport(front.authority.issue("kubernetes-admin", "system:masters"))
    headers = {"connection": "Upgrade", "upgrade": "echo"}
    path = f"{PATH}/namespaces/default/flunders/a/shout"
    response, duplex = await transport.upgrade(Request("GET", path, headers=headers))
    assert duplex is not None
    assert response.headers["upgrade"] == "echo"
    await duplex.write(b"hello")
    assert await duplex.read() == b"HELLO"
    await duplex.close()
    await transport.close()
    assert wardle.requests(path)[0].headers["x-remote-user"] == "kubernetes-admin"


async def test_a_server_that_is_not_there(front: Running, wardle: Backend) -> None:
    await front.post(SERVICES, wardle.registration())
    missing = await condition(front, "False")
    assert missing["reason"] == "ServiceNotFound"
    assert missing["message"] == 'service/wardle in "default" is not present'
    answer = await get(front, f"{PATH}/flunders")
    assert (answer.status, answer.body) == (503, b"service unavailable\n")
    figures = (await get(front, "/metrics")).body.decode().splitlines()
    assert f'aggregator_unavailable_apiservice{{name="{NAME}"}} 1' in figures
    assert f'aggregator_unavailable_apiservice_total{{name="{NAME}",reason="ServiceNotFound"}} 1' in figures


async def test_availability_follows_the_service(front: Running, wardle: Backend) -> None:
    await front.post(SERVICES, wardle.registration())
    await condition(front, "False", "ServiceNotFound")
    path, slices = "/api/v1/namespaces/default/services", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    await front.post(path, wardle.service(ports=[{"port": 1, "name": "https"}]))
    found = await condition(front, "False", "ServicePortError")
    assert found["message"] == f'service/wardle in "default" is not listening on port {wardle.port}'
    await front.send("PATCH", f"{path}/wardle", {"spec": {"ports": [{"port": wardle.port, "name": "https"}]}})
    found = await condition(front, "False", "EndpointsNotFound")
    assert found["message"] == 'cannot find endpointslices for service/wardle in "default"'
    labels = {"kubernetes.io/service-name": "wardle"}
    endpoint = {"addresses": ["192.0.2.1"], "conditions": {"ready": False}}
    body = {"metadata": {"name": "w", "labels": labels}, "addressType": "IPv4", "endpoints": [endpoint]}
    await front.post(slices, {**body, "ports": [{"name": "https", "port": 1}]})
    found = await condition(front, "False", "MissingEndpoints")
    assert found["message"] == ('endpoints for service/wardle in "default" have no addresses with port name "https"')
    await front.send(
        "PATCH",
        f"{path}/wardle",
        {"spec": {"type": "ExternalName", "externalName": "localhost", "clusterIP": None, "clusterIPs": None}},
    )
    await condition(front, "True", "Passed")
    assert wardle.requests(PATH)[0].headers["x-remote-user"] == "system:kube-aggregator"
    assert (await get(front, f"{PATH}/flunders")).status == 200


async def test_a_server_that_fails_its_check_and_comes_back(front: Running, wardle: Backend) -> None:
    wardle.answers[PATH] = Response(500)
    await front.post("/api/v1/namespaces/default/services", wardle.service())
    await front.post(SERVICES, wardle.registration())
    found = await condition(front, "False", "FailedDiscoveryCheck")
    url = f"https://wardle.default.svc:{wardle.port}{PATH}"
    assert found["message"] == f"failing or missing response from {url}: bad status from {url}: 500"
    del wardle.answers[PATH]
    assert (await condition(front, "True"))["message"] == "all checks passed"


async def test_an_authority_that_nobody_trusts(front: Running, wardle: Backend) -> None:
    await front.post("/api/v1/namespaces/default/services", wardle.service())
    await front.post(SERVICES, wardle.registration(caBundle=None))
    found = await condition(front, "False", "FailedDiscoveryCheck")
    assert found["message"].endswith("tls: failed to verify certificate: x509: certificate signed by unknown authority")
    await front.send("PATCH", f"{SERVICES}/{NAME}", {"spec": {"insecureSkipTLSVerify": True}})
    await condition(front, "True", "Passed")


async def test_a_server_that_goes_away(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    assert wardle.server is not None
    await wardle.server.close(grace=0)
    answer = await get(front, f"{PATH}/flunders")
    assert answer.status == 503
    assert answer.body.startswith(b"error trying to reach service: dial tcp")
    assert (await front.admin.request(Request("DELETE", f"{SERVICES}/{NAME}"))).status == 200
    assert (await get(front, f"{PATH}/flunders")).status == 404


async def test_what_is_served_here_is_registered_too(front: Running) -> None:
    await condition(front, "True", "Local", "v1.apps")
    found = {item["metadata"]["name"]: item for item in json.loads((await get(front, SERVICES)).body)["items"]}
    assert {"v1.", "v1.apps", "v2.autoscaling", "v1.admissionregistration.k8s.io"} <= set(found)
    assert "v1.apiregistration.k8s.io" not in found
    apps = found["v1.apps"]
    assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    assert apps["spec"] == {
        "group": "apps",
        "version": "v1",
        "groupPriorityMinimum": 17800,
        "versionPriority": 15,
    }
    assert apps["status"]["conditions"][0]["message"] == "Local APIServices are always available"


async def test_kubectl_lists_registrations(front: Running, wardle: Backend) -> None:
    await join(front, wardle)
    kubectl = front.kubectl(installed()[-1], front.authority.issue("kubernetes-admin", "system:masters"))
    lines = (await asyncio.to_thread(kubectl, "get", "apiservices")).splitlines()
    rows = {line.split()[0]: line.split()[1:3] for line in lines}
    assert (rows["NAME"], rows["v1.apps"]) == (["SERVICE", "AVAILABLE"], ["Local", "True"])
    assert rows[NAME] == ["default/wardle", "True"]
    assert GROUP in NAME


def test_a_cluster_tells_aggregated_servers_whom_to_trust(kubectl: Kubectl) -> None:
    name = "extension-apiserver-authentication"
    data = json.loads(kubectl("get", "configmap", name, "-n", "kube-system", "-o", "json"))["data"]
    lists = {key: json.loads(value) for key, value in data.items() if not key.endswith("-file")}
    assert lists == {
        "requestheader-allowed-names": ["front-proxy-client"],
        "requestheader-username-headers": ["X-Remote-User"],
        "requestheader-uid-headers": ["X-Remote-Uid"],
        "requestheader-group-headers": ["X-Remote-Group"],
        "requestheader-extra-headers-prefix": ["X-Remote-Extra-"],
    }
    bundles = [data["client-ca-file"], data["requestheader-client-ca-file"]]
    clients, proxies = [x509.load_pem_x509_certificate(bundle.encode()) for bundle in bundles]
    assert clients.subject != proxies.subject
    kubectl("wait", "apiservice", "v1.apps", "--for=condition=Available", "--timeout=20s")


async def test_custom_resources_are_registered_as_long_as_they_are_served(front: Running) -> None:
    name = f"v1.{CUSTOM}"
    await front.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
    await condition(front, "True", "Local", name)
    found = json.loads((await get(front, f"{SERVICES}/{name}")).body)
    assert found["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    assert found["spec"] == {"group": CUSTOM, "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100}
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{CUSTOM}"
    await front.admin.request(Request("DELETE", path))
    async with asyncio.timeout(10):
        while (await get(front, f"{SERVICES}/{name}")).status != 404:
            await asyncio.sleep(0.01)


async def test_a_registration_that_somebody_deletes_comes_back(front: Running) -> None:
    name = f"v1.{CUSTOM}"
    await front.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
    first = await condition(front, "True", "Local", name)
    assert first["message"] == "Local APIServices are always available"
    before = json.loads((await get(front, f"{SERVICES}/{name}")).body)["metadata"]["uid"]
    await front.admin.request(Request("DELETE", f"{SERVICES}/{name}"))
    async with asyncio.timeout(10):
        while (answer := await get(front, f"{SERVICES}/{name}")).status == 404:
            await asyncio.sleep(0.01)
    assert json.loads(answer.body)["metadata"]["uid"] != before
