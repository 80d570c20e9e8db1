"""Who may do what on a real node: at the API server, at the kubelet's own port, and from inside a Pod."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster
from tests.kubectl import Kubectl

POD = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True)
class Kubelet:
    """The kubelet's own port, as somebody on the network reaches it."""

    cluster: Cluster

    @property
    def authority(self) -> Path:
        return self.cluster.config.pki / "ca.crt"

    def ask(self, path: str, *, token: str = "", identity: str = "", method: str = "GET") -> tuple[int, str]:
        """`identity` is a certificate of the cluster's folder."""
        config = self.cluster.config
        context = ssl.create_default_context(cafile=str(self.authority))
        if identity:
            context.load_cert_chain(config.pki / f"{identity}.crt", config.pki / f"{identity}.key")
        url = f"https://{config.node_ip}:{config.kubelet_port}{path}"
        headers = {"authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(url, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, str(answer.read(), "utf-8")
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, str(refused.read(), "utf-8")


@pytest.fixture
def kubelet(cluster: Cluster) -> Kubelet:
    return Kubelet(cluster)


def sleeper(kubectl: Kubectl, name: str = "sleeper", image: str = "busybox:1.28", **spec: object) -> None:
    overrides = json.dumps({"spec": spec})
    kubectl("run", name, f"--image={image}", f"--overrides={overrides}", "--", "sleep", "3600")
    kubectl.wait("--for=condition=Ready", f"pod/{name}")


def account(kubectl: Kubectl, name: str, *rights: str) -> str:
    """A token of a new service account that has these rights over nodes."""
    kubectl("create", "serviceaccount", name)
    if rights:
        whole = f"{kubectl.namespace}-{name}"
        kubectl("create", "clusterrole", whole, "--verb=get,create", f"--resource={','.join(rights)}")
        kubectl(
            "create",
            "clusterrolebinding",
            whole,
            f"--clusterrole={whole}",
            f"--serviceaccount={kubectl.namespace}:{name}",
        )
    return kubectl("create", "token", name)


def revoke(kubectl: Kubectl, *names: str) -> None:
    for name in names:
        kubectl("delete", "clusterrole,clusterrolebinding", f"{kubectl.namespace}-{name}")


@pytest.mark.parametrize("path", ["/pods", "/healthz", "/metrics", "/exec/a/b/c", "/", "/nothing"])
def test_nobody_unknown_is_let_in_to_the_kubelet(kubelet: Kubelet, path: str) -> None:
    assert kubelet.ask(path) == (401, "Unauthorized\n")
    assert kubelet.ask(path, token="made.up.token") == (401, "Unauthorized\n")


def test_an_account_reaches_of_the_kubelet_what_it_has_a_right_to(kubectl: Kubectl, kubelet: Kubelet) -> None:
    sleeper(kubectl)
    run = f"/run/{kubectl.namespace}/sleeper/sleeper?cmd=id"
    stranger, scraper = account(kubectl, "stranger"), account(kubectl, "scraper", "nodes/metrics")
    operator = account(kubectl, "operator", "nodes/proxy")
    try:
        name = f"system:serviceaccount:{kubectl.namespace}:stranger"
        refused = f"Forbidden (user={name}, verb=create, resource=nodes, subresource(s)=[proxy])\n"
        assert kubelet.ask(run, token=stranger, method="POST") == (403, refused)
        assert kubelet.ask("/metrics", token=stranger)[0] == 403
        status, metrics = kubelet.ask("/metrics", token=scraper)
        assert (status, "kubelet_running_pods" in metrics) == (200, True)
        assert kubelet.ask("/pods", token=scraper)[0] == 403
        assert kubelet.ask(run, token=scraper, method="POST")[0] == 403
        assert kubelet.ask("//metrics/../pods", token=scraper)[0] == 404
        status, said = kubelet.ask(run, token=operator, method="POST")
        assert (status, said.startswith("uid=0")) == (200, True)
    finally:
        revoke(kubectl, "scraper", "operator")


@pytest.mark.parametrize(
    ("identity", "status"),
    [("admin", 200), ("apiserver-kubelet-client", 200), ("scheduler", 403), ("proxy", 403), ("kubelet", 403)],
)
def test_the_clusters_own_parts_have_no_right_to_each_other(kubelet: Kubelet, identity: str, status: int) -> None:
    assert kubelet.ask("/pods", identity=identity)[0] == status


def test_running_a_command_takes_the_right_at_each_layer(kubectl: Kubectl, cluster: Cluster) -> None:
    sleeper(kubectl)
    kubectl("create", "role", "viewer", "--verb=get,list", "--resource=pods,pods/log")
    kubectl("create", "rolebinding", "viewer", "--role=viewer", "--user=jane")
    jane = ("--as=jane", "--as-group=system:authenticated")
    assert "sleeper" in kubectl("get", "pods", *jane)
    refused = kubectl.run("exec", "sleeper", *jane, "--", "id").stderr
    text = 'pods "sleeper" is forbidden: User "jane" cannot (create|get) resource "pods/exec" in API group ""'
    assert re.search(text, refused), refused
    proxied = f"/api/v1/nodes/{cluster.config.node_name}/proxy/run/{kubectl.namespace}/sleeper/sleeper?cmd=id"
    refused = kubectl.run("create", "--raw", proxied, "-f", "/dev/null", *jane).stderr
    assert 'cannot create resource "nodes/proxy" in API group "" at the cluster scope' in refused
    kubectl("create", "role", "runner", "--verb=create", "--resource=pods/exec")
    kubectl("create", "rolebinding", "runner", "--role=runner", "--user=jane")
    assert kubectl("exec", "sleeper", *jane, "--", "id").startswith("uid=0")


def test_a_pod_gets_nowhere_with_its_own_token(kubectl: Kubectl, cluster: Cluster) -> None:
    sleeper(kubectl, image="knarr/openssl")
    config = cluster.config

    def ask(address: str, path: str) -> str:
        head = f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nAuthorization: Bearer %s\\r\\n\\r\\n"
        script = (
            f"printf '{head}' \"$(cat {POD}/token)\" | openssl s_client -quiet -CAfile {POD}/ca.crt -connect {address}"
        )
        return kubectl("exec", "sleeper", "--", "sh", "-c", script)

    assert "HTTP/1.1 403" in ask(f"{config.node_ip}:{config.kubelet_port}", "/pods")
    assert "HTTP/1.1 403" in ask("kubernetes.default.svc:443", f"/api/v1/namespaces/{kubectl.namespace}/secrets")
    assert "HTTP/1.1 403" in ask("kubernetes.default.svc:443", f"/api/v1/nodes/{config.node_name}/proxy/pods")


def test_a_pod_has_a_token_only_where_it_is_wanted(kubectl: Kubectl) -> None:
    kubectl.until("default", "get", "serviceaccount", "default", "-o", "jsonpath={.metadata.name}")
    sleeper(kubectl, "with")
    sleeper(kubectl, "without", automountServiceAccountToken=False)
    assert kubectl("exec", "with", "--", "ls", POD).split() == ["ca.crt", "namespace", "token"]
    assert kubectl.run("exec", "without", "--", "ls", POD).returncode
    kubectl("patch", "serviceaccount", "default", "-p", '{"automountServiceAccountToken": false}')
    sleeper(kubectl, "later")
    assert kubectl.run("exec", "later", "--", "ls", POD).returncode


def test_a_pods_token_dies_with_it(kubectl: Kubectl) -> None:
    sleeper(kubectl, terminationGracePeriodSeconds=1)
    token = kubectl("exec", "sleeper", "--", "cat", f"{POD}/token")
    whoami = ("auth", "whoami", "--token", token, "-o", "jsonpath={.status.userInfo.username}")
    stranger = Kubectl(_nobody(kubectl), kubectl.namespace)
    assert stranger(*whoami) == f"system:serviceaccount:{kubectl.namespace}:default"
    kubectl("delete", "pod", "sleeper")
    assert "Unauthorized" in stranger.run(*whoami).stderr


def _nobody(kubectl: Kubectl) -> Path:
    """The cluster's kubeconfig without credentials."""
    path = kubectl.kubeconfig.with_name(f"{kubectl.namespace}.kubeconfig")
    path.write_text(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    path.chmod(0o600)
    Kubectl(path)("config", "unset", "users")
    return path


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_tls_is_refused(cluster: Cluster, version: str) -> None:
    config = cluster.config
    for address in (f"127.0.0.1:{config.api_port}", f"{config.node_ip}:{config.kubelet_port}"):
        command = ["openssl", "s_client", version, "-cipher", "DEFAULT:@SECLEVEL=0", "-connect", address]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode
        assert "alert protocol version" in done.stderr, done.stderr
