"""Security settings on a real containerd: what is honoured, and what does not run rather than run less guarded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from knarr.client.resources import RUNTIME_CLASSES
from tests.e2e.cri.node import Node, is_ready, state
from tests.e2e.cri.test_pods import WAIT, shell

JSON = dict[str, Any]


async def output(node: Node, script: str, own: JSON | None = None, **spec: Any) -> str:
    """What the script wrote to its termination message."""
    container = shell(f"({script}) >/dev/termination-log 2>&1", securityContext=own or {}, **spec.pop("container", {}))
    await node.create("web", {"restartPolicy": "Never", "containers": [container], **spec})
    pod = await node.until("web", lambda p: p["status"]["phase"] in ("Succeeded", "Failed"))
    message: str = state(pod)["terminated"].get("message", "")
    return message


async def test_users_groups_and_privileges(node: Node) -> None:
    script = "id -u; id -g; id -G; stat -c '%g %a' /v; touch /v/f && stat -c %g /v/f; grep NoNewPrivs /proc/1/status"
    context = {"runAsUser": 1000, "runAsGroup": 1001, "runAsNonRoot": True, "fsGroup": 2000, "supplementalGroups": [3]}
    own = {"allowPrivilegeEscalation": False}
    volume = {"container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, "volumes": [{"name": "v"}]}
    said = await output(node, script, own, securityContext=context, **volume)
    assert said.split("\n") == ["1000", "1001", "1001 3 2000", "2000 2777", "2000", "NoNewPrivs:\t1", ""]


async def test_a_root_that_is_read_only_and_no_capabilities(node: Node) -> None:
    own = {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    said = await output(node, "touch /new; grep CapEff /proc/1/status", own)
    assert said == "touch: /new: Read-only file system\nCapEff:\t0000000000000000\n"


async def test_safe_sysctls_and_seccomp(node: Node) -> None:
    context = {
        "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}],
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; grep Seccomp: /proc/1/status"
    assert await output(node, script, securityContext=context) == "80\nSeccomp:\t2\n"


async def test_a_seccomp_profile_of_the_nodes_own(node: Node) -> None:
    refused = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    profile = node.options.root / "seccomp" / "profiles" / "no-folders.json"
    profile.parent.mkdir(parents=True)
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}))
    own = {"seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/no-folders.json"}}
    assert "Function not implemented" in await output(node, "mkdir /new", own)


async def test_one_process_namespace_for_all(node: Node) -> None:
    neighbour = shell("exec sleep 4321", "neighbour")
    look = "until grep -q slee[p].4321 /proc/[0-9]*/cmdline 2>/dev/null; do sleep 0.05; done"
    watcher = shell(f"{look}; head -c 10 /proc/1/cmdline >/dev/termination-log")
    containers = [neighbour, watcher]
    await node.create("web", {"shareProcessNamespace": True, "restartPolicy": "Never", "containers": containers})
    pod = await node.until("web", lambda p: "terminated" in state(p))
    assert state(pod)["terminated"]["message"].startswith("/bin/sleep")


async def test_a_refused_pod_fails_and_says_why(node: Node) -> None:
    context = {"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]}
    await node.create("web", {"securityContext": context, "containers": [shell(WAIT)]})
    pod = await node.until("web", lambda p: p["status"]["phase"] == "Failed")
    text = 'forbidden sysctl: "kernel.msgmax" not allowlisted'
    assert (pod["status"]["reason"], pod["status"]["message"]) == ("SysctlForbidden", f"Pod was rejected: {text}")
    assert await node.told("web") == [f"SysctlForbidden: {text}"]
    assert await node.runtime.sandboxes() == []


NO_SANDBOX = "FailedCreatePodSandBox: Failed to create pod sandbox: "


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"hostUsers": False}, "can't set spec.hostUsers: false: this node does not support user namespaces"),
        ({"runtimeClassName": "gone"}, 'failed to get RuntimeClass "gone": '),
        (
            {"runtimeClassName": "gvisor"},
            'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "runsc"',
        ),
    ],
    ids=["users of its own", "a runtime class that has gone", "a runtime that is not there"],
)
async def test_no_sandbox_where_it_would_guard_less(node: Node, spec: JSON, why: str) -> None:
    for name in ("gvisor", "gone"):
        await node.client.create(RUNTIME_CLASSES, {"metadata": {"name": name}, "handler": "runsc"})
    await node.stop()
    await node.create("web", {"containers": [shell(WAIT)], **spec})
    await node.client.delete(RUNTIME_CLASSES, "gone")  # after the Pod was admitted, before its kubelet looks
    await node.start()
    async with asyncio.timeout(10):
        while not any(text.startswith(NO_SANDBOX + why) for text in await node.told("web")):
            await asyncio.sleep(0.02)
    assert state(await node.get("web"))["waiting"]["reason"] == "ContainerCreating"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"securityContext": {"runAsNonRoot": True}},
            ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root "),
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "none.json"}}},
            ("CreateContainerError", "failed to create containerd container: cannot load seccomp profile "),
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": "Enabled"}]},
            ("CreateContainerConfigError", 'failed to resolve recursive read-only mode: volume "v" requested '),
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(NOBODY)"}]},
            ("CreateContainerConfigError", 'missing value for "NOBODY"'),
        ),
    ],
    ids=["root", "no such seccomp profile", "recursively read-only", "a path of nobody's"],
)
async def test_no_container_where_it_would_be_less_guarded(node: Node, fields: JSON, why: tuple[str, str]) -> None:
    await node.create("web", {"containers": [shell(WAIT, **fields)], "volumes": [{"name": "v", "emptyDir": {}}]})
    pod = await node.until("web", lambda p: state(p).get("waiting", {}).get("message"))
    waiting = state(pod)["waiting"]
    assert (waiting["reason"], waiting["message"][: len(why[1])]) == why


async def test_a_runtime_class_names_the_runtimes_handler(node: Node) -> None:
    await node.client.create(RUNTIME_CLASSES, {"metadata": {"name": "plain"}, "handler": "runc"})
    await node.create("web", {"runtimeClassName": "plain", "containers": [shell(WAIT)]})
    await node.until("web", is_ready)
