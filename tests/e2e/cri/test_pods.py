"""Pods on a real containerd: what a user sees of them."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from knarr.client.resources import PODS
from knarr.kubelet.cri.runtime import SandboxConfig
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


async def test_a_pod_gets_its_grace_and_its_hook_before_it_is_killed(node: Node) -> None:
    hooks = {"preStop": {"exec": {"command": ["sh", "-c", "echo stopping >>/proc/1/fd/1"]}}}
    await node.create("web", {"containers": [shell("trap '' TERM; while :; do sleep 0.1; done", lifecycle=hooks)]})
    pod = await node.until("web", is_ready)
    instance = node.kubelet.pods.instance(pod["metadata"]["uid"], "app")
    assert instance
    await node.delete("web", grace=2)
    pod = await node.until("web", lambda p: Path(instance.log_path).read_text().endswith(" stdout F stopping\n"))
    assert "running" in state(pod)
    await node.gone("web")
    assert not Path(instance.log_path).parent.parent.exists()


async def test_a_deadline_ends_the_pod(node: Node) -> None:
    await node.create("slow", {"activeDeadlineSeconds": 4, "containers": [shell(WAIT)]})
    pod = await node.until("slow", lambda p: p["status"]["phase"] == "Failed" and "terminated" in state(p))
    assert (pod["status"]["reason"], pod["status"]["message"]) == (
        "DeadlineExceeded",
        "Pod was active on the node longer than the specified deadline",
    )


async def test_a_deadline_may_come_nearer(node: Node) -> None:
    await node.create("slow", {"activeDeadlineSeconds": 1000, "containers": [shell(WAIT)]})
    await node.until("slow", is_ready)
    await node.client.patch(PODS, "slow", {"spec": {"activeDeadlineSeconds": 2}}, "default")
    pod = await node.until("slow", lambda p: p["status"]["phase"] == "Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"


async def test_too_much_memory(node: Node) -> None:
    limited = shell("exec sort /dev/zero", resources={"limits": {"memory": "16Mi"}})
    await node.create("hungry", {"restartPolicy": "Never", "containers": [limited]})
    pod = await node.until("hungry", lambda p: p["status"]["phase"] == "Failed")
    assert (state(pod)["terminated"]["reason"], state(pod)["terminated"]["exitCode"]) == ("OOMKilled", 137)


async def test_a_dead_sandbox_is_made_anew(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    before = await node.until("web", is_ready)
    await node.runtime.stop_sandbox(node.kubelet.pods.sandbox(before["metadata"]["uid"]))
    after = await node.until("web", lambda p: is_ready(p) and p["status"]["containerStatuses"][0]["restartCount"] > 0)
    assert after["status"]["podIP"] != before["status"]["podIP"]


async def test_a_pod_on_the_hosts_network_sees_its_names_and_names_servers(node: Node) -> None:
    script = "cat /etc/hosts /etc/resolv.conf >/dev/termination-log"
    aliases = [{"ip": "192.0.2.7", "hostnames": ["seven.example.com"]}]
    spec = {"hostNetwork": True, "hostAliases": aliases, "restartPolicy": "Never", "containers": [shell(script)]}
    await node.create("host", spec)
    pod = await node.until("host", lambda p: p["status"]["phase"] == "Succeeded")
    assert "192.0.2.7\tseven.example.com" in state(pod)["terminated"]["message"]
    assert pod["status"]["podIP"] == pod["status"]["hostIP"] == "127.0.0.1"


async def test_a_container_whose_configuration_is_missing_waits_for_it(node: Node) -> None:
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "a"}}}]
    await node.create("web", {"containers": [shell(WAIT, env=env)]})
    pod = await node.until("web", lambda p: state(p).get("waiting", {}).get("reason") == "CreateContainerConfigError")
    assert state(pod)["waiting"]["message"] == 'configmap "none" not found'
    assert 'Failed: Error: configmap "none" not found' in await node.told("web")


async def test_nothing_is_left_behind(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT, resources={"requests": {"cpu": "100m"}})]})
    pod = await node.until("web", is_ready)
    uid = pod["metadata"]["uid"]
    assert list(Path("/sys/fs/cgroup").glob(f"**/pod{uid}"))
    await node.delete("web")
    await node.gone("web")
    assert not list(Path("/sys/fs/cgroup").glob(f"**/pod{uid}"))
    assert not (node.options.root / "pods" / uid).exists()
    assert list(node.options.log_root.iterdir()) == []


async def test_a_process_that_the_runtime_has_lost_ends_with_its_pod(node: Node) -> None:
    await node.create("web", {"containers": [shell(WAIT)]})
    uid = (await node.until("web", is_ready))["metadata"]["uid"]
    stray = await asyncio.create_subprocess_exec("sleep", "1000")
    groups = list(Path("/sys/fs/cgroup").glob(f"**/pod{uid}"))
    for group in groups:
        (group / "cgroup.procs").write_text(str(stray.pid))
    await node.delete("web")
    await node.gone("web")
    assert await stray.wait() == -signal.SIGKILL
    await node.kubelet.tidy()
    assert not any(group.exists() for group in groups)


async def test_a_kubelet_that_has_not_listed_its_pods_yet_takes_nothing_for_lost(node: Node) -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    script = "echo kept >/data/file; " + WAIT
    spec = {"containers": [shell(script, volumeMounts=mounts)], "volumes": [{"name": "data", "emptyDir": {}}]}
    await node.create("web", spec)
    pod = await node.until("web", is_ready)
    await node.stop()
    await node.start()
    await node.kubelet.tidy()
    [file] = (node.options.root / "pods" / pod["metadata"]["uid"]).glob("volumes/*/data/file")
    assert file.read_text() == "kept\n"


async def test_what_others_made_is_not_touched(node: Node) -> None:
    labels, parent = {"io.kubernetes.pod.uid": "other"}, f"{node.options.cgroup_root}/podother"
    foreign = SandboxConfig("other", "default", "other", labels=labels, cgroup_parent=parent)
    sandbox_id = await node.runtime.run_sandbox(foreign)
    await node.kubelet.collect()
    assert [(s.id, s.ready) for s in await node.runtime.sandboxes()] == [(sandbox_id, True)]
    await node.runtime.stop_sandbox(sandbox_id)
    await node.runtime.remove_sandbox(sandbox_id)
    node.kubelet.services.cgroups.remove("other")


async def test_a_rule_restarts_one_container_of_a_pod_that_would_end(node: Node) -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    script = "test -e /s/seen && exit 0; touch /s/seen; exit 42"
    mounts = [{"name": "s", "mountPath": "/s"}]
    app = shell(script, restartPolicy="Never", restartPolicyRules=[rule], volumeMounts=mounts)
    spec = {"restartPolicy": "Never", "containers": [app], "volumes": [{"name": "s", "emptyDir": {}}]}
    await node.create("job", spec)
    pod = await node.until("job", lambda p: p["status"]["phase"] == "Succeeded")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
