"""Certificates of a real cluster, replaced while it works: nothing restarts, nothing is cut off."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from knarr.cluster.config import Config
from knarr.cluster.pki.certificates import chosen_leaves
from knarr.cluster.pki.issuing import issue
from knarr.cluster.pki.rotated import LEAVES, read, store_of
from tests.e2e.conftest import Cluster
from tests.e2e.test_healing import kill, pid_of
from tests.kubectl import Kubectl

PARTS = ("supervisor", "server", "agent", "containerd")
PATIENCE = 30.0  # seconds


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def shown(config: Config, address: str, port: int) -> x509.Certificate:
    """The certificate that a listener shows a new connection."""
    tls = ssl.create_default_context(cafile=str(config.pki / "ca.crt"))
    tls.check_hostname = False
    with socket.create_connection((address, port), 5) as plain, tls.wrap_socket(plain) as secured:
        der = secured.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der)


@pytest.fixture
def pod(kubectl: Kubectl) -> Iterator[str]:
    """A Pod that runs."""
    kubectl("run", "steady", "--image=busybox:1.28", "--restart=Never", "--command", "--", "sleep", "3600")
    kubectl.wait("--for=condition=Ready", "pod/steady")
    yield "steady"


def told(cluster: Cluster) -> dict[str, Any]:
    """What `knarr certs` says, by name."""
    done = cluster.knarr("certs", "--kubeconfig", str(cluster.kubeconfig), "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {entry["name"]: entry for entry in json.loads(done.stdout)["certificates"]}


def test_every_certificate_of_the_cluster_is_shown(cluster: Cluster) -> None:
    done = cluster.knarr("certs", "--kubeconfig", str(cluster.kubeconfig))
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names[0] == "CERTIFICATE"
    assert {"admin", "apiserver", "kubelet", "kubelet-server", "kubeconfig", "ca"} <= {*names}
    assert told(cluster)["kubelet"]["file"].endswith("/kubelet-client-current.pem")


def test_all_are_renewed_while_everything_goes_on(cluster: Cluster, kubectl: Kubectl, pod: str) -> None:
    config = cluster.config
    listeners = {"apiserver": (config.node_ip, config.api_port), "kubelet": (config.node_ip, config.kubelet_port)}
    before = {name: shown(config, *address).serial_number for name, address in listeners.items()}
    pids = {part: pid_of(cluster, part) for part in PARTS}
    watch = kubectl.start("get", "pods", "--watch", "--output=name")
    command = kubectl.start("exec", pod, "--", "sh", "-c", "echo begun; sleep 5; echo done")
    assert command.stdout
    assert command.stdout.readline() == "begun\n"

    done = cluster.knarr("certs", "--kubeconfig", str(cluster.kubeconfig), "renew", "all")
    assert done.returncode == 0, done.stdout + done.stderr

    after = {name: shown(config, *address).serial_number for name, address in listeners.items()}
    assert all(after[name] != before[name] for name in listeners)
    assert kubectl("exec", pod, "--", "echo", "again") == "again\n"
    kubectl("run", "later", "--image=busybox:1.28", "--restart=Never", "--command", "--", "sleep", "3600")
    kubectl.wait("--for=condition=Ready", "pod/later")
    out, err = command.communicate(timeout=PATIENCE)
    assert (out, err, command.returncode) == ("done\n", "", 0)
    watch.send_signal(signal.SIGINT)
    seen, _ = watch.communicate(timeout=PATIENCE)
    assert {"pod/steady", "pod/later"} <= {*seen.splitlines()}
    assert {part: pid_of(cluster, part) for part in PARTS} == pids
    (container,) = kubectl.json("get", "pod", pod)["status"]["containerStatuses"]
    assert container["restartCount"] == 0


def make_old(config: Config, days: float) -> None:
    """The kubelet's certificates as if the cluster had been made so long ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    issue(config, chosen_leaves(config, [*LEAVES]), then)
    for leaf in LEAVES:
        store = store_of(config, leaf)
        assert store
        store.keep((config.pki / f"{leaf}.crt").read_bytes(), (config.pki / f"{leaf}.key").read_bytes(), then)


def test_the_kubelet_asks_for_others_in_time(cluster: Cluster, kubectl: Kubectl, pod: str) -> None:
    config, began = cluster.config, datetime.now(UTC)
    make_old(config, days=340)
    old = shown(config, config.node_ip, config.kubelet_port)
    assert old.not_valid_after_utc < began + timedelta(days=30)
    kill(cluster, "agent")  # who begins with an old certificate asks at once

    def renewed() -> bool:
        ends = [found.ends for leaf in LEAVES if (found := read(config, leaf))]
        return min(ends) > began + timedelta(days=300)

    until(renewed, "the kubelet did not renew its certificates")
    agent = pid_of(cluster, "agent")
    new = shown(config, config.node_ip, config.kubelet_port)
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {config.node_name, config.node_ip}
    assert kubectl("exec", pod, "--", "echo", "still here") == "still here\n"
    assert pid_of(cluster, "agent") == agent
    requests = cluster.kubectl("").json("get", "csr")["items"]
    issued = {r["spec"]["signerName"].split("/")[1] for r in requests if r["status"].get("certificate")}
    assert {"kube-apiserver-client-kubelet", "kubelet-serving"} <= issued
    modes = {file: file.lstat().st_mode & 0o777 for file in (config.pki / "kubelet").iterdir() if not file.is_symlink()}
    assert {*modes.values()} == {0o600}


def test_no_key_is_in_a_log(cluster: Cluster) -> None:
    for log in cluster.config.logs.glob("*.log"):
        assert "PRIVATE KEY" not in log.read_text(errors="replace"), log


def test_what_cannot_be_renewed_is_told(cluster: Cluster) -> None:
    done = cluster.knarr("certs", "renew", "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("knarr: there is no certificate nothing; choose from: ")
