"""Pods on a real containerd: what a user sees of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.cri.conftest import Containerd
from tests.e2e.cri.images import BUSYBOX
from tests.e2e.cri.node import Node, condition, is_ready, state

JSON = dict[str, Any]
WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


def shell(script: str, name: str = "app", **fields: Any) -> JSON:
    return {"name": name, "image": BUSYBOX, "command": ["sh", "-c", script], **fields}


async def test_runs_and_is_deleted(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    pod = await node.until("web", is_ready)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"].startswith("10.151.0.")
    assert pod["status"]["containerStatuses"][0]["containerID"].startswith("containerd://")
    await node.delete("web")
    await node.gone("web")
    assert await node.told("web") == [
        f'Pulled: Container image "{BUSYBOX}" already present on machine and can be accessed by the pod',
        "Created: Container created",
        "Started: Container started",
        "Killing: Stopping container app",
    ]
    assert await node.runtime.containers() == []
    assert await node.runtime.sandboxes() == []


async def test_a_failing_container_is_restarted_with_back_off(node: Node) -> None:
    await node.create("crash", {"containers": [shell("echo dying; exit 3")]})
    pod = await node.until("crash", lambda p: state(p).get("waiting", {}).get("reason") == "CrashLoopBackOff")
    [status] = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["lastState"]["terminated"]["reason"] == "Error"
    uid = pod["metadata"]["uid"]
    text = f"back-off 10s restarting failed container=app pod=crash_default({uid})"
    assert state(pod)["waiting"]["message"] == text
    assert pod["status"]["phase"] == "Running"
    assert f"BackOff: Back-off restarting failed container app in pod crash_default({uid})" in await node.told("crash")


async def test_a_pod_that_need_not_restart_succeeds_and_keeps_its_log(node: Node) -> None:
    await node.create(
        "job", {"restartPolicy": "Never", "containers": [shell("echo done; echo bye >/dev/termination-log")]}
    )
    pod = await node.until("job", lambda p: p["status"]["phase"] == "Succeeded")
    assert state(pod)["terminated"]["reason"] == "Completed"
    assert state(pod)["terminated"]["message"] == "bye\n"
    instance = node.kubelet.pods.instance(pod["metadata"]["uid"], "app")
    assert instance
    assert Path(instance.log_path).read_text().endswith(" stdout F done\n")


async def test_init_containers_run_in_order_before_the_app(node: Node) -> None:
    volume = {"name": "shared", "emptyDir": {}}
    mounts = [{"name": "shared", "mountPath": "/s"}]
    inits = [shell(f"echo {n} >>/s/order", f"init-{n}", volumeMounts=mounts) for n in (1, 2)]
    app = shell("cat /s/order >/dev/termination-log; exit 0", volumeMounts=mounts)
    spec = {"restartPolicy": "Never", "initContainers": inits, "containers": [app], "volumes": [volume]}
    await node.create("ordered", spec)
    pod = await node.until("ordered", lambda p: p["status"]["phase"] == "Succeeded")
    assert state(pod)["terminated"]["message"] == "1\n2\n"
    assert condition(pod, "Initialized") == "True"


async def test_a_sidecar_outlives_the_app_and_ends_with_the_pod(node: Node) -> None:
    sidecar = shell(WAIT, "helper", restartPolicy="Always")
    await node.create(
        "job", {"restartPolicy": "Never", "initContainers": [sidecar], "containers": [shell("sleep 0.3")]}
    )
    pod = await node.until("job", lambda p: p["status"]["phase"] == "Succeeded")
    assert state(pod, "helper")["terminated"]["exitCode"] == 0


async def test_a_missing_image_backs_off(node: Node) -> None:
    await node.create("lost", {"containers": [shell(WAIT, image="127.0.0.1:1/none:1")]})
    pod = await node.until("lost", lambda p: state(p).get("waiting", {}).get("reason") == "ImagePullBackOff")
    assert state(pod)["waiting"]["message"].startswith('Back-off pulling image "127.0.0.1:1/none:1": ErrImagePull: ')
    assert pod["status"]["phase"] == "Pending"
    told = await node.told("lost")
    assert [line.partition(":")[0] for line in told] == ["Pulling", "Failed", "Failed", "BackOff", "Failed"]
    assert told[-1] == "Failed: Error: ImagePullBackOff"


async def test_a_restarted_kubelet_adopts_what_runs(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    before = await node.until("web", is_ready)
    await node.stop()
    await node.start()
    await asyncio.sleep(0.3)
    after = await node.until("web", is_ready)
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_what_was_deleted_meanwhile_is_removed(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    await node.until("web", is_ready)
    await node.stop()
    await node.delete("web", grace=0)
    await node.start()
    async with asyncio.timeout(10):
        while await node.runtime.sandboxes():
            await asyncio.sleep(0.02)
    assert await node.runtime.containers() == []


async def test_a_killed_container_comes_back_and_hooks_run(node: Node) -> None:
    hooks = {"postStart": {"exec": {"command": ["sh", "-c", "echo hello >/started"]}}}
    await node.create("web", {"containers": [shell(WAIT, lifecycle=hooks)]})
    pod = await node.until("web", is_ready)
    container_id = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    done = await node.runtime.exec_sync(container_id, ["cat", "/started"], 5)
    assert done.stdout == b"hello\n"
    await node.runtime.stop_container(container_id, 0)
    pod = await node.until("web", lambda p: p["status"]["containerStatuses"][0]["restartCount"] == 1 and is_ready(p))
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137


async def test_a_readiness_probe_decides(node: Node) -> None:
    probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
    await node.create("web", {"containers": [shell(f"sleep 0.5; touch /ready; {WAIT}", readinessProbe=probe)]})
    pod = await node.until("web", lambda p: "running" in state(p))
    assert not is_ready(pod)
    await node.until("web", is_ready)


async def test_containerd_may_die(node: Node, containerd: Containerd) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    before = await node.until("web", is_ready)
    containerd.kill()
    containerd.start()
    await node.create("next", {"containers": [shell(WAIT)]})
    await node.until("next", is_ready)
    after = await node.get("web")
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
