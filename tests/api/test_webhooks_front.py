"""Webhooks of a whole server: connections to Pods, and what kubectl says of a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from knarr.wire.messages import Request, Response
from tests.api.front import Running
from tests.api.webhooks import Hook, allow, configuration, deny, hook, patching, rule, webhook
from tests.kubectl import installed

EXEC = "/api/v1/namespaces/default/pods/p/exec"
SPDY = {"connection": "Upgrade", "upgrade": "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io"}


@pytest.fixture
async def server(front: Running) -> Running:
    await front.running_pod("p", "a", "b")
    return front


@pytest.fixture
async def asked(server: Running) -> AsyncIterator[Hook]:
    async with hook(server.authority, allow) as found:
        yield found


async def register(server: Running, kind: str, asked: Hook, resources: str, operations: str) -> None:
    body = configuration(kind, "c", webhook(asked, rules=[rule(resources, operations)]))
    await server.post(f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}webhookconfigurations", body)


async def connect(server: Running, path: str, query: str = "") -> Response:
    """What an attempt to connect is answered; the fake kubelet's "hello" where it came through."""
    transport = server.transport(server.authority.issue("kubernetes-admin", "system:masters"))
    response, duplex = await transport.upgrade(Request("POST", path, query, SPDY))
    assert duplex is None
    await transport.close()
    return response


async def test_a_connection_is_reviewed_with_its_options(server: Running, asked: Hook) -> None:
    await register(server, "Validating", asked, "pods/exec", "CONNECT")
    assert (await connect(server, EXEC, "container=a&command=ls&command=-l&stdin=true")).body == b"hello\n"
    request = asked.reviews[0]["request"]
    assert (request["operation"], request["subResource"], request["name"]) == ("CONNECT", "exec", "p")
    assert request["kind"] == {"group": "", "version": "v1", "kind": "PodExecOptions"}
    assert (request["resource"]["resource"], request["namespace"], request["options"]) == ("pods", "default", None)
    assert request["object"] == {
        "kind": "PodExecOptions",
        "apiVersion": "v1",
        "stdin": True,
        "stdout": True,
        "stderr": True,
        "container": "a",
        "command": ["ls", "-l"],
    }


async def test_a_refused_connection_does_not_come_to_the_kubelet(server: Running, asked: Hook) -> None:
    asked.reply = deny(message="not here", code=403, reason="Forbidden")
    await register(server, "Validating", asked, "pods/attach pods/exec pods/portforward", "*")
    for subresource in ("exec", "attach", "portforward"):
        refused = await connect(server, EXEC.replace("exec", subresource), "container=a&command=ls")
        assert refused.status == 403
        assert b'admission webhook \\"hook.test.io\\" denied the request: not here' in refused.body
    assert server.kubelet.asked == []


async def test_options_may_be_changed(server: Running, asked: Hook) -> None:
    asked.reply = patching({"op": "replace", "path": "/container", "value": "b"})
    await register(server, "Mutating", asked, "pods/exec", "CONNECT")
    await connect(server, EXEC, "container=a&command=ls")
    assert server.kubelet.asked[-1].path == "/exec/default/p/b"
    assert server.kubelet.asked[-1].query == "output=1&error=1&command=ls"


async def test_a_token_is_reviewed_too(server: Running, asked: Hook) -> None:
    asked.reply = patching({"op": "add", "path": "/spec/expirationSeconds", "value": 1200})
    await register(server, "Mutating", asked, "serviceaccounts/token", "CREATE")
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    made = await server.post(path, {"spec": {"audiences": ["a"]}})
    assert (made["spec"]["audiences"], made["spec"]["expirationSeconds"]) == (["a"], 1200)
    request = asked.reviews[0]["request"]
    assert request["kind"] == {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
    assert (request["resource"]["resource"], request["subResource"], request["name"]) == (
        "serviceaccounts",
        "token",
        "default",
    )


async def test_kubectl_tells_who_refused(server: Running, asked: Hook) -> None:
    asked.reply = deny(message="no maps today")
    await register(server, "Validating", asked, "configmaps", "CREATE")
    kubectl = server.kubectl(installed()[-1], server.authority.issue("kubernetes-admin", "system:masters"))
    failed = await asyncio.to_thread(kubectl.run, "create", "configmap", "m", "--from-literal=a=b")
    expected = 'failed to create configmap: admission webhook "hook.test.io" denied the request: no maps today'
    assert failed.stderr.strip() == f"error: {expected}"
    listed = await asyncio.to_thread(kubectl, "get", "validatingwebhookconfigurations")
    assert [line.split()[:2] for line in listed.splitlines()] == [["NAME", "WEBHOOKS"], ["c", "1"]]
