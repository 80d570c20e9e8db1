"""Services on a real node: from the node, from Pods, by address and by name; and updates that lose no request."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.test_pods import fetch, until_answered
from tests.kubectl import Kubectl

Manifest = Callable[[str], Path]


def cluster_ip(kubectl: Kubectl, name: str) -> str:
    return kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}")


@contextmanager
def address_on_the_node(address: str) -> Iterator[None]:
    """An address that the node has for a while, on loopback."""
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


@contextmanager
def a_server(address: str, port: int, answer: str) -> Iterator[None]:
    """Something that listens on the node, outside of the cluster."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def client_pod(kubectl: Kubectl) -> Kubectl:
    """A Pod `client` to look at services from."""
    kubectl("run", "client", "--image=busybox:1.28", "--restart=Never", "--", "sleep", "3600")
    kubectl.wait("--for=condition=Ready", "pod/client")
    return kubectl


def from_pod(kubectl: Kubectl, url: str) -> str:
    return kubectl("exec", "client", "--", "timeout", "5", "wget", "-q", "-O", "-", url)


@pytest.fixture
def hello(client_pod: Kubectl, manifest: Manifest) -> Iterator[Kubectl]:
    """Manifest 07, up."""
    client_pod.apply(manifest("07"))
    client_pod("rollout", "status", "deployment/hello-node")
    yield client_pod
    client_pod("delete", "services", "--all")  # the node port is the whole cluster's


def names_of(kubectl: Kubectl) -> set[str]:
    return {pod["metadata"]["name"] for pod in kubectl.pods("app.kubernetes.io/name=MyApp")}


def answered_by(url: str, names: set[str]) -> None:
    """Every one of these answers, and nobody else, once the node has heard who is behind the address."""
    deadline = time.monotonic() + 20
    while (heard := {until_answered(url).strip() for _ in range(60)}) != names:
        assert time.monotonic() < deadline, f"{url} is answered by {heard}, not {names}"


def test_every_way_to_a_service(hello: Kubectl, cluster: Cluster) -> None:
    pods = names_of(hello)
    for url in (f"http://{cluster_ip(hello, 'my-service')}/", f"http://{cluster.config.node_ip}:30036/"):
        answered_by(url, pods)
    namespace = hello.namespace
    for name in ("my-service", f"my-service.{namespace}", f"my-service.{namespace}.svc.cluster.local"):
        assert from_pod(hello, f"http://{name}/").strip() in pods
    assert from_pod(hello, f"http://{cluster.config.node_ip}:30036/").strip() in pods
    assert "my.database.example.com" in hello.run("exec", "client", "--", "nslookup", "external-db").stdout
    assert f"{cluster_ip(hello, 'my-service')}\n" in hello(
        "exec", "client", "--", "nslookup", f"my-service.{namespace}.svc.cluster.local"
    )


def test_endpoints_by_hand_are_mirrored_and_served(hello: Kubectl) -> None:
    mirrored = "jsonpath={.items[*].endpoints[*].addresses[*]}"
    hello.until("192.0.2.42", "get", "endpointslices", "-l", "kubernetes.io/service-name=by-hand", "-o", mirrored)
    with address_on_the_node("192.0.2.42"), a_server("192.0.2.42", 9376, "by hand"):
        assert until_answered(f"http://{cluster_ip(hello, 'by-hand')}/") == "by hand"
        assert from_pod(hello, "http://by-hand/") == "by hand"


def test_scaling_changes_who_answers(hello: Kubectl) -> None:
    hello("scale", "deployment/hello-node", "--replicas=1")
    hello.until("1", "get", "deployment", "hello-node", "-o", "jsonpath={.status.replicas}")
    (only,) = names_of(hello)
    ready = "jsonpath={.items[*].endpoints[*].targetRef.name}"
    hello.until(only, "get", "endpointslices", "-l", "kubernetes.io/service-name=my-service", "-o", ready)
    url = f"http://{cluster_ip(hello, 'my-service')}/"
    answered_by(url, {only})
    hello("scale", "deployment/hello-node", "--replicas=3")
    hello("rollout", "status", "deployment/hello-node")
    answered_by(url, names_of(hello))


def test_a_rolling_update_and_its_rollback_lose_no_request(hello: Kubectl) -> None:
    url = f"http://{cluster_ip(hello, 'my-service')}/"
    failures: list[str] = []
    counted = Counter[str]()
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            try:
                counted[fetch(url).strip()] += 1
            except (urllib.error.URLError, OSError) as error:
                failures.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        before = names_of(hello)
        hello("set", "env", "deployment/hello-node", "VERSION=2")
        hello("rollout", "status", "deployment/hello-node", patience=120)
        hello("rollout", "undo", "deployment/hello-node")
        hello("rollout", "status", "deployment/hello-node", patience=120)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert len(counted) >= 9, f"only {sorted(counted)} answered; three generations of three Pods should have"
    assert before <= set(counted)


def test_a_service_without_ready_endpoints_refuses(client_pod: Kubectl) -> None:
    client_pod("create", "service", "clusterip", "nobody", "--tcp=80:80")
    address = cluster_ip(client_pod, "nobody")
    deadline = time.monotonic() + 10
    while True:
        with pytest.raises(urllib.error.URLError) as refused:
            fetch(f"http://{address}/")
        if isinstance(refused.value.reason, ConnectionRefusedError):
            break
        assert time.monotonic() < deadline, refused.value


def test_a_headless_service_names_its_pods(client_pod: Kubectl) -> None:
    client_pod("create", "deployment", "web", "--image=nginx", "--replicas=2")
    client_pod("rollout", "status", "deployment/web")
    client_pod("expose", "deployment", "web", "--port=80", "--cluster-ip=None")
    addresses = {pod["status"]["podIP"] for pod in client_pod.pods("app=web")}
    deadline = time.monotonic() + 20
    while True:
        answer = client_pod.run(
            "exec", "client", "--", "nslookup", f"web.{client_pod.namespace}.svc.cluster.local"
        ).stdout
        if all(address in answer for address in addresses):
            break
        assert time.monotonic() < deadline, answer


def test_a_service_of_another_namespace_at_an_external_address(client_pod: Kubectl, manifest: Manifest) -> None:
    anywhere = Kubectl(client_pod.kubeconfig, "")
    anywhere.apply(manifest("17"))
    try:
        anywhere("wait", "-n", "team-a", "--for=condition=Ready", "pod/web", "--timeout=60s")
        assert from_pod(client_pod, "http://web.team-a/") == "team-a\n"
        with address_on_the_node("192.0.2.80"):
            assert until_answered("http://192.0.2.80/") == fetch("http://192.0.2.80:8080/") == "team-a\n"
        assert from_pod(client_pod, "http://192.0.2.80/") == "team-a\n"
    finally:
        anywhere("delete", "namespace", "team-a", "--timeout=60s", patience=70)
    assert "not found" in anywhere.run("get", "namespace", "team-a").stderr
    assert anywhere("get", "all", "-n", "team-a", "-o", "name") == ""


def test_a_pod_reaches_the_api_with_its_token(kubectl: Kubectl) -> None:
    account = f"--serviceaccount={kubectl.namespace}:default"
    kubectl("create", "rolebinding", "reader", "--clusterrole=view", account)
    kubectl("run", "client", "--image=knarr/openssl", "--restart=Never", "--", "sleep", "3600")
    kubectl.wait("--for=condition=Ready", "pod/client")
    assert '"name":"client"' in ask_the_api(kubectl, "pods/client")
    assert "HTTP/1.1 403 Forbidden" in ask_the_api(kubectl, "secrets")
    environment = kubectl("exec", "client", "--", "env")
    assert f"KUBERNETES_SERVICE_HOST={cluster_ip(Kubectl(kubectl.kubeconfig), 'kubernetes')}\n" in environment


def ask_the_api(kubectl: Kubectl, path: str) -> str:
    """What a Pod gets from the API with what is mounted into it: head and body."""
    head = "GET /api/v1/namespaces/%s/{path} HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n".replace(
        "{path}", path
    )
    script = f"""
        cd /var/run/secrets/kubernetes.io/serviceaccount
        host=kubernetes.default.svc
        printf '{head}Authorization: Bearer %s\\r\\n\\r\\n' "$(cat namespace)" $host "$(cat token)" |
        openssl s_client -quiet -verify_return_error -verify_hostname $host -CAfile ca.crt -connect $host:443
    """
    return kubectl("exec", "client", "--", "sh", "-c", script)
