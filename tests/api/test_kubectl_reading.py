"""kubectl's ways to look: get in every form, watch, describe, explain, and what it learns from discovery."""

from __future__ import annotations

import http.client
import re
import time

import pytest

from tests.api.processes import ServerProcess
from tests.kubectl import Kubectl

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec: {{nodeSelector: {{no: where}}, containers: [{{name: c, image: "nginx:1"}}]}}
---
"""


@pytest.fixture
def pods(kubectl: Kubectl) -> Kubectl:
    """kubectl where there are three Pods, of two apps."""
    kubectl.apply("".join(POD.format(name=name, app=app) for name, app in (("a", "one"), ("b", "one"), ("c", "two"))))
    return kubectl


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["-o", "name"], "pod/a\npod/b\npod/c\n"),
        (["-l", "app=one", "-o", "name"], "pod/a\npod/b\n"),
        (["-l", "app notin (one)", "-o", "name"], "pod/c\n"),
        (["-l", "app!=two,app", "-o", "name"], "pod/a\npod/b\n"),
        (["--field-selector=metadata.name=b,status.phase=Pending", "-o", "name"], "pod/b\n"),
        (["--field-selector=metadata.name!=b", "-o", "name"], "pod/a\npod/c\n"),
        (["--chunk-size=1", "-o", "name"], "pod/a\npod/b\npod/c\n"),
        (["-o", "jsonpath={range .items[*]}{.metadata.name}{end}"], "abc"),
        (["-o", "go-template={{range .items}}{{.metadata.name}}{{end}}"], "abc"),
        (["-o", "custom-columns=N:.metadata.name,A:.metadata.labels.app"], r"N +A\na +one\nb +one\nc +two\n"),
        (["--no-headers", "-L", "app", "a"], r"a +0/1 +Pending +0 +\S+ +one\n"),
        (["--no-headers", "--show-labels", "a"], r"a +0/1 +Pending +0 +\S+ +app=one\n"),
        (["--no-headers", "-o", "wide", "a"], r"a +0/1 +Pending +0 +\S+ +<none> +<none> +<none> +<none>\n"),
        (["--sort-by={.metadata.labels.app}", "--no-headers", "-o", "name"], "pod/a\npod/b\npod/c\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_get(pods: Kubectl, flags: list[str], expected: str) -> None:
    shown = pods("get", "pods", *flags)
    assert shown == expected or re.fullmatch(expected, shown), shown


def test_get_of_several_kinds_and_namespaces(pods: Kubectl) -> None:
    pods("create", "configmap", "settings", "--from-literal=a=b")
    assert pods("get", "pod/a", "configmap/settings", "-o", "name") == "pod/a\nconfigmap/settings\n"
    everywhere = pods("get", "pods", "-A", "--no-headers").splitlines()
    assert [line.split()[1] for line in everywhere if line.split()[0] == pods.namespace] == ["a", "b", "c"]
    assert "pod/a" in pods("get", "all")
    assert pods.json("get", "pod", "a")["metadata"]["labels"] == {"app": "one"}
    assert "  name: a\n" in pods("get", "pod", "a", "-o", "yaml")


def test_get_raw(pods: Kubectl) -> None:
    assert '"name":"a"' in pods("get", "--raw", f"/api/v1/namespaces/{pods.namespace}/pods/a")
    assert pods("get", "--raw", "/readyz") == "ok"


def test_watch(pods: Kubectl) -> None:
    watch = pods.start("get", "pods", "--watch-only", "-l", "app=one", "-o", "name", "--output-watch-events=false")
    try:
        assert watch.stdout
        time.sleep(0.5)  # what comes before it watches, it need not show
        pods("label", "pod", "c", "app=one", "--overwrite")
        assert watch.stdout.readline() == "pod/c\n"
    finally:
        watch.terminate()
        watch.communicate()


def test_watch_shows_what_is_there_and_what_comes(pods: Kubectl) -> None:
    watch = pods.start("get", "pods", "-w", "-o", "name")
    try:
        assert watch.stdout
        assert [watch.stdout.readline() for _ in range(3)] == ["pod/a\n", "pod/b\n", "pod/c\n"]
        pods.apply(POD.format(name="d", app="z"))
        assert watch.stdout.readline() == "pod/d\n"
    finally:
        watch.terminate()
        watch.communicate()


MADE = (
    ("deployment", "create deployment thing --image=nginx --replicas=0", "0 desired | 0 updated | 0 total"),
    ("job", "create job thing --image=busybox -- date", "Pods Statuses:"),
    (
        "cronjob",
        "create cronjob thing --image=busybox --schedule=@daily -- date",
        "Schedule:                      @daily",
    ),
    ("configmap", "create configmap thing --from-literal=a=bee", "a:\n----\nbee"),
    ("secret", "create secret generic thing --from-literal=a=bee", "a:  3 bytes"),
    ("service", "create service nodeport thing --tcp=80", "External Traffic Policy:  Cluster"),
    ("serviceaccount", "create serviceaccount thing", "Mountable secrets:   <none>"),
    ("resourcequota", "create quota thing --hard=pods=1", "Resource    Used  Hard"),
    ("role", "create role thing --verb=get --resource=pods", "pods       []                 []              [get]"),
    ("rolebinding", "create rolebinding thing --role=r --user=joe", "User  joe"),
    ("ingress", "create ingress thing --rule=foo.com/*=web:80", "foo.com"),
    ("poddisruptionbudget", "create pdb thing --selector=a=b --min-available=1", "Min available:  1"),
    ("pod", "run thing --image=nginx --labels=a=b", "QoS Class:                   BestEffort"),
)


@pytest.mark.parametrize(("kind", "command", "expected"), MADE, ids=[kind for kind, _, _ in MADE])
def test_describe(kubectl: Kubectl, kind: str, command: str, expected: str) -> None:
    kubectl(*command.split())
    described = kubectl("describe", kind, "thing")
    assert re.match(r"Name: +thing\n", described) and expected in described


def test_describe_what_belongs_to_the_cluster(kubectl: Kubectl) -> None:
    assert "Status:       Active" in kubectl("describe", "namespace", kubectl.namespace)
    assert "2000001000" in kubectl("describe", "priorityclass", "system-node-critical")
    assert "No resources found" in kubectl.run("describe", "storageclass").stderr


def test_describe_shows_events(kubectl: Kubectl) -> None:
    kubectl.apply(POD.format(name="a", app="x"))
    kubectl.until(r".*FailedScheduling.*", "describe", "pod", "a")
    listed = kubectl("events", "--for", "pod/a", "--types=Warning")
    assert "FailedScheduling" in listed


def test_explain(kubectl: Kubectl) -> None:
    deep = kubectl("explain", "deployment.spec.template.spec.containers.livenessProbe.httpGet.port")
    assert "FIELD: port <IntOrString>" in deep and "Name or number of the port to access" in deep
    tree = kubectl("explain", "cronjob", "--recursive", "--api-version=batch/v1beta1")
    assert "VERSION:    v1beta1" in tree and "concurrencyPolicy" in tree
    missing = kubectl.run("explain", "pod.spec.nonsense")
    assert missing.stderr == 'error: field "nonsense" does not exist\n'


def test_discovery(kubectl: Kubectl) -> None:
    rows = {line.split()[0]: line for line in kubectl("api-resources", "-o", "wide", "--no-headers").splitlines()}
    assert re.match(
        r"deployments +deploy +apps/v1 +true +Deployment +create,delete,deletecollection", rows["deployments"]
    )
    assert "bindings" in rows and "tokenreviews" in rows
    assert "pods" not in kubectl("api-resources", "--namespaced=false", "-o", "name").split()
    assert {"v1", "apps/v1", "batch/v1", "batch/v1beta1"} <= set(kubectl("api-versions").split())


def test_cluster(kubectl: Kubectl) -> None:
    assert "Kubernetes control plane" in kubectl("cluster-info")
    assert kubectl.json("version")["serverVersion"]["gitVersion"].startswith("v1.36.")


def test_who_may_what(kubectl: Kubectl) -> None:
    whoami = kubectl.run("auth", "whoami") if "1.27" not in kubectl.binary.name else None
    assert whoami is None or "kubernetes-admin" in whoami.stdout
    assert kubectl("auth", "can-i", "create", "deployments.apps") == "yes\n"
    assert re.search(r"^\*\.\* +\[\] +\[\] +\[\*\]$", kubectl("auth", "can-i", "--list"), re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["top", "pods"], "error: Metrics API not available\n"),
        (
            ["certificate", "approve", "x"],
            'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "x" not found\n',
        ),
        (["get", "nonsense"], 'error: the server doesn\'t have a resource type "nonsense"\n'),
        (["get", "pod", "nobody"], 'Error from server (NotFound): pods "nobody" not found\n'),
        (["logs", "nobody"], "NotFound"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there(kubectl: Kubectl, arguments: list[str], said: str) -> None:
    done = kubectl.run(*arguments)
    assert done.returncode == 1 and said in done.stderr


def test_proxy(kubectl: Kubectl, process: ServerProcess) -> None:
    proxy = kubectl.start("proxy", "--port=0")
    try:
        assert proxy.stdout
        port = int(proxy.stdout.readline().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", f"/api/v1/namespaces/{kubectl.namespace}")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        proxy.terminate()
        proxy.communicate()
