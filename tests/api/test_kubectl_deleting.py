"""kubectl's ways to delete and to wait, and what it does to nodes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.processes import ServerProcess
from tests.kubectl import Kubectl, installed

DEPLOYMENT = ("create", "deployment", "web", "--image=nginx", "--replicas=1")
PODS = r"pod/web-\S+"


@pytest.mark.parametrize("policy", ["background", "foreground"])
def test_delete_takes_the_pods_along(kubectl: Kubectl, policy: str) -> None:
    kubectl(*DEPLOYMENT)
    kubectl.until(PODS, "get", "pods", "-o", "name")
    assert 'deployment.apps "web" deleted' in kubectl("delete", "deployment", "web", f"--cascade={policy}")
    kubectl.until("", "get", "pods,replicasets", "-o", "name")


def test_delete_orphans(kubectl: Kubectl) -> None:
    kubectl(*DEPLOYMENT)
    kubectl.until(PODS, "get", "pods", "-o", "name")
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    replica_set = kubectl.json("get", "replicasets")["items"][0]
    assert "ownerReferences" not in replica_set["metadata"]
    kubectl("delete", "replicasets", "--all")
    kubectl.until("", "get", "pods", "-o", "name")


def test_delete_by_label_file_and_all(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c", "d"):
        kubectl("create", "configmap", name)
    kubectl("label", "configmap", "a", "go=1")
    kubectl("delete", "configmap", "-l", "go=1")
    manifest = '{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "b"}}'
    kubectl("delete", "-f", "-", stdin=manifest)
    assert kubectl.run("delete", "-f", "-", stdin=manifest).returncode == 1
    kubectl("delete", "-f", "-", "--ignore-not-found", stdin=manifest)
    kubectl("delete", "configmap", "c", "--wait=false", "--grace-period=1")
    kubectl("delete", "configmaps", "--all")
    kubectl.until("configmap/kube-root-ca.crt", "get", "configmaps", "-o", "name")


def test_delete_a_namespace_with_all_in_it(kubectl: Kubectl) -> None:
    name = f"{kubectl.namespace}-b"
    kubectl("create", "namespace", name)
    kubectl("create", "deployment", "web", "--image=nginx", "-n", name)
    kubectl("delete", "namespace", name, "--timeout=30s")
    assert kubectl("get", "namespace", name, "--ignore-not-found") == ""


def test_wait(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0")
    kubectl.wait("deployment/web", "--for=condition=Available")
    kubectl.wait("deployment/web", "--for=jsonpath={.spec.replicas}=0")
    waiting = kubectl.start("wait", "deployment/web", "--for=delete", "--timeout=30s")
    kubectl("delete", "deployment", "web")
    assert waiting.wait(30) == 0
    waiting.communicate()
    late = kubectl.run("wait", "namespace", kubectl.namespace, "--for=condition=Ready", "--timeout=1s")
    assert f"timed out waiting for the condition on namespaces/{kubectl.namespace}" in late.stderr


@pytest.fixture
def node(kubectl: Kubectl) -> Iterator[str]:
    """A Node that no kubelet speaks for."""
    name = f"node-{uuid.uuid4().hex[:8]}"
    manifest = f"""
        apiVersion: v1
        kind: Node
        metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}}}}}
        status:
          allocatable: {{cpu: "2", memory: 1Gi, pods: "10"}}
          conditions: [{{type: Ready, status: "True"}}]
    """
    kubectl("create", "-f", "-", stdin=manifest)
    yield name
    kubectl("delete", "node", name)


def test_a_new_node_has_the_status_that_it_came_with(kubectl: Kubectl, node: str) -> None:
    assert kubectl("get", "node", node, "-o", "jsonpath={.status.allocatable.cpu}") == "2"


def test_taint_cordon_and_drain(kubectl: Kubectl, node: str) -> None:
    kubectl("taint", "node", node, "dedicated=x:NoSchedule")
    assert "dedicated=x:NoSchedule" in kubectl("describe", "node", node)
    kubectl("taint", "node", node, "dedicated-")
    overrides = f'{{"spec":{{"nodeSelector":{{"kubernetes.io/hostname":"{node}"}},"terminationGracePeriodSeconds":0}}}}'
    kubectl("run", "web", "--image=nginx", f"--overrides={overrides}")
    kubectl.until(node, "get", "pod", "web", "-o", "jsonpath={.spec.nodeName}")
    drained = kubectl("drain", node, "--force", "--grace-period=0", "--timeout=20s")
    assert f"node/{node} drained" in drained
    assert "SchedulingDisabled" in kubectl("get", "node", node)
    assert kubectl("uncordon", node) == f"node/{node} uncordoned\n"
    assert "Ready " in kubectl("get", "node", node)


@pytest.mark.parametrize("binary", installed()[1:-1], ids=lambda path: path.name)
def test_a_short_journey_with_every_version(process: ServerProcess, namespace: str, binary: Path) -> None:
    kubectl = process.kubectl(binary, namespace)
    kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=0")
    kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    kubectl("scale", "deployment/web", "--replicas=1")
    kubectl.until(r"web +0/1 +1 +0 +\S+", "get", "deployment", "web", "--no-headers")
    assert "1 desired" in kubectl("describe", "deployment", "web")
    assert "VERSION:    v1" in kubectl("explain", "deployment.spec.replicas")
    kubectl("delete", "deployment", "web", "--cascade=foreground", "--timeout=20s")
    assert kubectl("get", "deployments", "-o", "name") == ""
