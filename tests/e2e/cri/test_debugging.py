"""Ephemeral containers on a real containerd: what `kubectl debug` needs of a node."""

from __future__ import annotations

from typing import Any

from knarr.client.resources import PODS
from knarr.wire.messages import Request
from tests.e2e.cri.node import Node, is_ready
from tests.e2e.cri.test_edge import UPGRADE, served
from tests.e2e.cri.test_pods import WAIT, shell

JSON = dict[str, Any]


async def join(node: Node, script: str, name: str = "debugger", **fields: Any) -> None:
    body = {"spec": {"ephemeralContainers": [shell(script, name, **fields)]}}
    await node.client.patch(PODS, "web", body, "default", kind="strategic", subresource="ephemeralcontainers")


def debugger(pod: JSON) -> JSON:
    [status] = pod["status"].get("ephemeralContainerStatuses", [{}])
    state: JSON = status.get("state", {})
    return state


def waiting(pod: JSON) -> JSON:
    found: JSON = debugger(pod).get("waiting", {})
    return found


async def test_a_debugger_sees_its_targets_processes_and_is_streamed_to(node: Node) -> None:
    await node.create("web", {"containers": [shell(f": the app; {WAIT}")]})
    await node.until("web", is_ready)
    await join(node, WAIT, targetContainerName="app", stdin=True)
    pod = await node.until("web", lambda p: "running" in debugger(p))
    assert is_ready(pod)
    container_id = pod["status"]["ephemeralContainerStatuses"][0]["containerID"].removeprefix("containerd://")
    seen = await node.runtime.exec_sync(container_id, ["cat", "/proc/1/cmdline"], 5)
    assert seen.stdout.startswith(b"sh\0-c\0: the app")
    async with served(node) as transport:
        log = await transport.request(Request("GET", "/containerLogs/default/web/debugger"))
        assert (log.status, log.body) == (200, b"")
        for stream in ("/attach/default/web/debugger", "/exec/default/web/debugger"):
            headers = {**UPGRADE, "x-stream-protocol-version": "v4.channel.k8s.io"}
            request = Request("POST", stream, "input=1&output=1&command=sh", headers)
            response, duplex = await transport.upgrade(request)
            assert response.status == 101
            assert duplex
            await duplex.close()


async def test_a_debugger_runs_once_also_over_a_restart(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    await node.until("web", is_ready)
    await join(node, "echo seen >/dev/termination-log; exit 3")
    pod = await node.until("web", lambda p: "terminated" in debugger(p))
    await node.stop()
    await node.start()
    await node.client.patch(PODS, "web", {"metadata": {"labels": {"a": "b"}}}, "default")
    again = await node.until("web", is_ready)
    assert again["status"]["ephemeralContainerStatuses"] == pod["status"]["ephemeralContainerStatuses"]
    assert (debugger(again)["terminated"]["exitCode"], debugger(again)["terminated"]["message"]) == (3, "seen\n")
    assert again["status"]["phase"] == "Running"


async def test_a_debugger_without_its_target_waits(node: Node) -> None:
    lost = shell(WAIT, image="127.0.0.1:1/none:1")
    await node.create("web", {"containers": [lost]})
    await node.until("web", lambda p: p["status"].get("podIP"))
    await join(node, WAIT, targetContainerName="app")
    pod = await node.until(
        "web", lambda p: debugger(p).get("waiting", {}).get("reason") == "CreateContainerConfigError"
    )
    assert debugger(pod)["waiting"]["message"] == "unable to find target container app"
