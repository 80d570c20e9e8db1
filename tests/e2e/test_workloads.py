"""Workloads on a real node: Jobs, replica controllers, Deployments, volumes, configuration."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_pods import fetch, until_answered
from tests.kubectl import Kubectl

Manifest = Callable[[str], Path]


def test_jobs_complete(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("02"))
    kubectl.wait("--for=condition=complete", "job/five-by-two", "job/pi")
    digits = kubectl("logs", "job/pi").strip()
    assert digits.startswith("3.14159265358979")
    assert len(digits) == 2001
    assert kubectl("get", "job", "five-by-two", "-o", "jsonpath={.status.succeeded}") == "5"
    assert kubectl("get", "pods", "-l", "job-name=five-by-two", "--no-headers").count("Completed") == 5


def test_a_job_past_its_deadline_fails(kubectl: Kubectl) -> None:
    kubectl("create", "job", "slow", "--image=busybox:1.28", "--", "sh", "-c", "trap 'exit 1' TERM; sleep 600 & wait")
    kubectl("patch", "job", "slow", "--type=merge", "-p", '{"spec": {"activeDeadlineSeconds": 2}}')
    kubectl.wait("--for=condition=failed", "job/slow")
    reason = kubectl("get", "job", "slow", "-o", "jsonpath={.status.conditions[?(@.type=='Failed')].reason}")
    assert reason == "DeadlineExceeded"


def test_a_replication_controller_keeps_its_pods(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("05"))
    kubectl.until("3", "get", "rc", "nginx", "-o", "jsonpath={.status.readyReplicas}")
    names = {pod["metadata"]["name"] for pod in kubectl.pods("app=nginx-rc")}
    change = '{"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}'
    kubectl("patch", "rc", "nginx", "-p", change)
    kubectl.until("2", "get", "rc", "nginx", "-o", "jsonpath={.status.observedGeneration}")
    assert {pod["metadata"]["name"] for pod in kubectl.pods("app=nginx-rc")} == names

    kubectl("delete", "rc", "nginx", "--cascade=orphan")
    assert "not found" in kubectl.run("get", "rc", "nginx").stderr
    pods = kubectl.pods("app=nginx-rc")
    assert {pod["metadata"]["name"] for pod in pods} == names
    assert not any(pod["metadata"].get("ownerReferences") for pod in pods)
    kubectl("delete", "pods", "-l", "app=nginx-rc", "--grace-period=1")


def test_a_replica_set_replaces_a_deleted_pod(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("06"))
    kubectl.until("3", "get", "rs", "frontend", "-o", "jsonpath={.status.readyReplicas}")
    victim, *others = (pod["metadata"]["name"] for pod in kubectl.pods("tier=frontend"))
    kubectl("delete", "pod", victim, "--grace-period=1")
    kubectl.until("3", "get", "rs", "frontend", "-o", "jsonpath={.status.readyReplicas}")
    now = {pod["metadata"]["name"] for pod in kubectl.pods("tier=frontend")}
    assert victim not in now
    assert set(others) < now

    kubectl("delete", "rs", "frontend")
    kubectl.until("", "get", "pods", "-l", "tier=frontend", "-o", "name")


def test_edit_changes_an_object(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "configmap", "settings", "--from-literal=color=blue")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/blue/green/ "$1"\n')
    editor.chmod(0o755)
    kubectl.run("edit", "configmap", "settings", environment={"KUBE_EDITOR": str(editor)})
    assert kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.color}") == "green"


def test_containers_share_volumes_and_a_directory_of_the_node(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("09"))
    kubectl.wait("--for=condition=Available", "deployment/shared-volume")
    kubectl.wait("--for=condition=Ready", "pod/host-path")
    (pod,) = kubectl.pods("app=shared-volume")
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    first = until_answered(f"http://{address}/")
    deadline = time.monotonic() + 20
    while fetch(f"http://{address}/") == first:
        assert time.monotonic() < deadline, "the writer's changes are not seen by the web server"
    kubectl("exec", name, "-c", "writer", "--", "sh", "-c", "echo shared > /ram/note")
    assert kubectl("exec", name, "-c", "web", "--", "cat", "/ram/note") == "shared\n"
    assert "tmpfs" in kubectl("exec", name, "-c", "web", "--", "sh", "-c", "mount | grep ' /ram '")

    kubectl("exec", "host-path", "--", "sh", "-c", "echo kept > /app/note")
    assert Path("/data/knarr-hostpath/note").read_text() == "kept\n"
    kubectl("delete", "pod", "host-path", "--grace-period=1")
    assert Path("/data/knarr-hostpath/note").read_text() == "kept\n"


@pytest.fixture(autouse=True)
def no_trace_on_the_host() -> object:
    """Manifest 09 writes to a fixed directory of the node."""
    yield
    note = Path("/data/knarr-hostpath/note")
    note.unlink(missing_ok=True)
    for folder in (note.parent, note.parent.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def test_configuration_reaches_the_pod_and_follows_changes(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("10"))
    kubectl.wait("--for=condition=Ready", "pod/configured")
    assert kubectl("logs", "configured") == "mysql.default.svc s3cr3t\ncolor=blue\n"
    assert kubectl("exec", "configured", "--", "cat", "/etc/secret/DB_PASSWORD") == "s3cr3t"
    kubectl("patch", "configmap", "db", "-p", '{"data": {"app.properties": "color=green\\n"}}')
    kubectl.until("color=green", "exec", "configured", "--", "cat", "/etc/config/app.properties", patience=90)


def test_rollout_status_undo_and_history(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx:1.7.9", "--replicas=2")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web")
    kubectl("set", "image", "deployment/web", "nginx=nginx:1.9.1")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web")
    assert images(kubectl) == {"nginx:1.9.1"}
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web")
    assert images(kubectl) == {"nginx:1.7.9"}
    assert re.findall(r"^(\d+)", kubectl("rollout", "history", "deployment/web"), re.MULTILINE) == ["2", "3"]
    kubectl("scale", "deployment/web", "--replicas=0")
    kubectl.until("", "get", "pods", "-l", "app=web", "-o", "name")


def images(kubectl: Kubectl) -> set[str]:
    """The images of the Deployment's Pods that are there to stay."""
    return {pod["spec"]["containers"][0]["image"] for pod in kubectl.pods("app=web")}
