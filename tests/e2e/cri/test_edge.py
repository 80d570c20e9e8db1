"""What reaches into containers of a real containerd: volumes, environment, probes, logs, exec and port-forward."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from knarr.client.client import Client
from knarr.client.resources import CONFIG_MAPS
from knarr.kubelet.server import KubeletServer
from knarr.kubelet.server import Node as Served
from knarr.machinery.clock import RealClock
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request
from knarr.wire.server import Server
from tests.e2e.cri.node import NODE, Node, is_ready, state
from tests.e2e.cri.test_pods import WAIT, shell
from tests.unit.kubelet.judging import Judging
from tests.unit.kubelet.test_server import api_server

JSON = dict[str, Any]
UPGRADE = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[HTTPTransport]:
    """The kubelet's server, as the API server meets it."""
    client = Client(Judging(node.client.transport))
    application = KubeletServer(Served(NODE, node.kubelet.pods, node.runtime, client, RealClock()))
    server = Server(lambda request, _: application(request, api_server()))
    transport = HTTPTransport(f"http://127.0.0.1:{await server.listen()}")
    yield transport
    await transport.close()
    await server.close(1)


async def logs(transport: HTTPTransport, query: str = "") -> str:
    answer = await transport.request(Request("GET", "/containerLogs/default/web/app", query))
    return answer.body.decode()


def config(**data: str) -> JSON:
    return {"metadata": {"name": "config"}, "data": data}


async def test_files_and_variables_come_from_the_api_and_files_follow_it(node: Node) -> None:
    await node.client.create(CONFIG_MAPS, config(color="red"), "default")
    wait = "until grep -q blue /v/color; do sleep 0.05; done; echo changed"
    show = f"cat /v/color /one; echo; echo $COLOR $(POD_NAME); {wait}"
    reference = {"configMapKeyRef": {"name": "config", "key": "color"}}
    env = [
        {"name": "COLOR", "valueFrom": reference},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    mounts = [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/one", "subPath": "color"}]
    container = shell(show, env=env, volumeMounts=mounts)
    volumes = [{"name": "v", "configMap": {"name": "config"}}]
    await node.create("web", {"restartPolicy": "Never", "containers": [container], "volumes": volumes})
    await node.until("web", is_ready)
    async with served(node) as transport:
        async with asyncio.timeout(10):
            while "red web" not in await logs(transport):
                await asyncio.sleep(0.02)
        await node.client.patch(CONFIG_MAPS, "config", {"data": {"color": "blue"}}, "default")
        await node.until("web", lambda pod: pod["status"]["phase"] == "Succeeded")
        assert await logs(transport) == "redred\nred web\nchanged\n"


async def test_variables_come_from_a_file_that_an_init_container_wrote(node: Node) -> None:
    def of_file(path: str, key: str, **more: Any) -> JSON:
        return {"valueFrom": {"fileKeyRef": {"volumeName": "v", "path": path, "key": key, **more}}}

    script = "echo \"A='one' \" >/v/vars; ln -s /etc /v/out"
    spec: JSON = {
        "restartPolicy": "Never",
        "initContainers": [shell(script, "init", volumeMounts=[{"name": "v", "mountPath": "/v"}])],
        "containers": [
            shell("echo $A ${B-none} >/dev/termination-log", env=[{"name": "A", **of_file("vars", "A")}]),
            shell(WAIT, "lost", env=[{"name": "B", **of_file("vars", "B")}]),
            shell(WAIT, "thief", env=[{"name": "C", **of_file("out/passwd", "root")}]),
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    spec["containers"][0]["env"].append({"name": "B", **of_file("none", "B", optional=True)})
    await node.create("web", spec)
    pod = await node.until("web", lambda p: "terminated" in state(p) and why(p, "lost") and why(p, "thief"))
    assert state(pod)["terminated"]["message"] == "one none\n"
    assert why(pod, "lost") == 'environment variable key "B" not found in file "vars" of volume "v"'
    assert why(pod, "thief") == "failed to read out/passwd: it is not within the volume"


def why(pod: JSON, container: str) -> str:
    """The message of one that waits."""
    message: str = state(pod, container).get("waiting", {}).get("message", "")
    return message


async def test_a_missing_config_map_is_told_and_then_found(node: Node) -> None:
    container = shell(WAIT, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    await node.create("web", {"containers": [container], "volumes": [{"name": "v", "configMap": {"name": "config"}}]})
    async with asyncio.timeout(10):
        while not any(text.startswith("FailedMount") for text in await node.told("web")):
            await asyncio.sleep(0.02)
    told = 'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "config" not found'
    assert told in await node.told("web")
    assert state(await node.get("web"))["waiting"]["reason"] == "ContainerCreating"
    await node.client.create(CONFIG_MAPS, config(color="red"), "default")
    await node.until("web", is_ready)


async def test_memory_volumes_are_limited_and_leave_nothing(node: Node) -> None:
    container = shell(
        "dd if=/dev/zero of=/m/big bs=1M count=2; " + WAIT, volumeMounts=[{"name": "m", "mountPath": "/m"}]
    )
    volume = {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    pod = await node.create("web", {"containers": [container], "volumes": [volume]})
    await node.until("web", is_ready)
    directory = node.options.pod_directory(pod["metadata"]["uid"])
    async with served(node) as transport:
        async with asyncio.timeout(10):
            while "No space left on device" not in await logs(transport):
                await asyncio.sleep(0.02)
    await node.delete("web", grace=0)
    await node.gone("web")
    async with asyncio.timeout(10):
        while directory.exists():
            await asyncio.sleep(0.02)


async def test_following_a_log_ends_with_the_container(node: Node) -> None:
    await node.create(
        "web", {"restartPolicy": "Never", "containers": [shell("for i in 1 2 3; do echo $i; sleep 0.2; done")]}
    )
    await node.until("web", is_ready)
    async with served(node) as transport, asyncio.timeout(10):
        assert await logs(transport, "follow=true") == "1\n2\n3\n"
        assert await logs(transport, "tailLines=1") == "3\n"


@pytest.mark.parametrize(
    ("path", "protocols", "chosen"),
    [
        (
            "/exec/default/web/app?command=sh&input=1&output=1&tty=1",
            "v5.channel.k8s.io, v4.channel.k8s.io",
            "v4.channel.k8s.io",
        ),
        ("/attach/default/web/app?output=1", "v4.channel.k8s.io", "v4.channel.k8s.io"),
        ("/portForward/default/web?", "portforward.k8s.io", "portforward.k8s.io"),
    ],
)
async def test_streams_reach_the_runtime(node: Node, path: str, protocols: str, chosen: str) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    await node.until("web", is_ready)
    target, _, query = path.partition("?")
    async with served(node) as transport, asyncio.timeout(10):
        headers = {**UPGRADE, "x-stream-protocol-version": protocols}
        response, duplex = await transport.upgrade(Request("POST", target, query, headers))
        assert (response.status, response.headers["x-stream-protocol-version"]) == (101, chosen)
        assert duplex
        await duplex.close()


async def test_a_port_of_the_host_leads_into_the_pod_as_long_as_it_is_there(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    ports = [{"containerPort": 8080, "hostPort": port}]
    probe_port = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    container = shell("exec httpd -f -p 8080", ports=ports, readinessProbe=probe_port)
    await node.create("web", {"containers": [container]})
    await node.until("web", is_ready)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /none HTTP/1.0\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"404"
        writer.close()
    await node.delete("web", grace=1)
    await node.gone("web")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_failing_post_start_hook_ends_the_container(node: Node) -> None:
    hooks = {"postStart": {"exec": {"command": ["sh", "-c", "echo no luck; exit 3"]}}}
    await node.create("web", {"restartPolicy": "Never", "containers": [shell(WAIT, lifecycle=hooks)]})
    await node.until("web", lambda pod: pod["status"]["phase"] in ("Failed", "Succeeded"))
    told = await node.told("web")
    assert "Killing: FailedPostStartHook" in told
    assert any(text.startswith("FailedPostStartHook: PostStartHook failed: ") for text in told)


async def test_a_pre_stop_sleep_holds_the_container_until_its_end(node: Node) -> None:
    hooks = {"preStop": {"sleep": {"seconds": 1}}}
    await node.create("web", {"containers": [shell(WAIT, lifecycle=hooks)]})
    await node.until("web", is_ready)
    begun = time.monotonic()
    await node.delete("web", grace=10)
    await node.gone("web")
    assert 1 < time.monotonic() - begun < 5


async def test_without_grace_a_pod_is_killed_at_once(node: Node) -> None:
    stubborn = shell("trap '' TERM; while :; do sleep 0.1; done")
    await node.create("web", {"terminationGracePeriodSeconds": 0, "containers": [stubborn]})
    await node.until("web", is_ready)
    await node.delete("web")
    await node.gone("web")
    async with asyncio.timeout(5):
        while await node.runtime.containers():
            await asyncio.sleep(0.02)


async def test_the_end_of_the_log_stands_in_for_a_message(node: Node) -> None:
    container = shell("echo last words; exit 1", terminationMessagePolicy="FallbackToLogsOnError")
    await node.create("web", {"restartPolicy": "Never", "containers": [container]})
    pod = await node.until("web", lambda pod: pod["status"]["phase"] == "Failed")
    assert state(pod)["terminated"]["message"] == "last words\n"


async def test_names_and_resolver_as_asked_for(node: Node) -> None:
    spec = {
        "hostname": "db",
        "subdomain": "data",
        "setHostnameAsFQDN": True,
        "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["seven.example.com"]}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.53"], "searches": ["example.com"], "options": [{"name": "ndots"}]},
        "restartPolicy": "Never",
        "containers": [shell("(hostname; cat /etc/resolv.conf; tail -n 2 /etc/hosts) >/dev/termination-log")],
    }
    await node.create("web", spec)
    pod = await node.until("web", lambda pod: pod["status"]["phase"] == "Succeeded")
    assert state(pod)["terminated"]["message"].split("\n") == [
        "db.data.default.svc.cluster.local",
        *("search example.com", "nameserver 192.0.2.53", "options ndots"),
        *("# Entries added by HostAliases.", "192.0.2.7\tseven.example.com", ""),
    ]


async def test_liveness_restarts_and_readiness_gates(node: Node) -> None:
    container = shell(
        "touch /tmp/live; sleep 1; rm /tmp/live; " + WAIT,
        livenessProbe={"exec": {"command": ["cat", "/tmp/live"]}, "periodSeconds": 1, "failureThreshold": 1},
        readinessProbe={"exec": {"command": ["cat", "/tmp/never"]}, "periodSeconds": 1},
    )
    await node.create("web", {"containers": [container], "terminationGracePeriodSeconds": 1})
    pod = await node.until("web", lambda p: p["status"].get("containerStatuses", [{}])[0].get("restartCount"))
    assert not is_ready(pod)
    told = await node.told("web")
    assert "Unhealthy: Liveness probe failed: cat: can't open '/tmp/live': No such file or directory\n" in told
    assert "Killing: Container app failed liveness probe, will be restarted" in told
