"""Certificates as people and kubelets come by them: asked for with openssl, approved with kubectl, used by both."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.processes import ServerProcess
from tests.kubectl import Kubectl, KubectlError

API_CLIENT, KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
CLIENT, SERVER = ("digital signature", "client auth"), ("digital signature", "server auth")
CONDITION = "jsonpath={.status.conditions[*].type} {.status.conditions[-1:].reason} {.status.conditions[-1:].message}"
KEYS = {"ECDSA": "ec -pkeyopt ec_paramgen_curve:P-256", "RSA": "rsa:2048", "Ed25519": "ed25519"}


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Asker:
    """Somebody with a key, who asks in the name of the test's namespace."""

    def __init__(self, kubectl: Kubectl, folder: Path, ca: Path, sort: str = "ECDSA") -> None:
        self.kubectl, self.folder, self.ca, self.sort = kubectl, folder, ca, sort
        self.name = kubectl.namespace
        self.key, self.certificate = folder / "key", folder / "crt"

    def ask(self, subject: str, signer: str, *usages: str, names: str = "", who: str = "", **rest: object) -> None:
        """Send a request; as `who`, a kubelet by its name."""
        groups = ["system:nodes"] if who.startswith("system:node:") else []
        acting = [f"--as={who}", *(f"--as-group={group}" for group in groups)] if who else []
        body = json.dumps(self.request(subject, signer, *usages, names=names, **rest))
        self.kubectl("create", "-f", "-", *acting, stdin=body)

    def request(self, subject: str, signer: str, *usages: str, names: str = "", **rest: object) -> dict[str, object]:
        csr = self.folder / "csr"
        named = ["-addext", f"subjectAltName={names}"] if names else []
        made = f"req -new -newkey {KEYS[self.sort]} -nodes -keyout {self.key} -out {csr}"
        openssl(*made.split(), "-subj", subject, *named)
        spec = {"request": base64.b64encode(csr.read_bytes()).decode(), "signerName": signer, "usages": usages, **rest}
        kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
        return {**kind, "metadata": {"name": self.name}, "spec": spec}

    @contextmanager
    def bound(self, role: str, user: str) -> Iterator[None]:
        """While this lasts, a user has a role in the cluster."""
        name = f"{self.name}-{role.rpartition(':')[2]}"
        self.kubectl("create", "clusterrolebinding", name, f"--clusterrole={role}", f"--user={user}")
        try:
            yield
        finally:
            self.kubectl("delete", "clusterrolebinding", name)

    def becomes(self, condition: str) -> None:
        """Wait until kubectl shows it so."""
        self.kubectl.until(f".* {condition}", "get", "csr", self.name, "--no-headers")

    def fetch(self) -> None:
        """The certificate that was issued, when it is, which openssl finds good."""
        self.becomes("Approved,Issued")
        encoded = self.kubectl("get", "csr", self.name, "-o", "jsonpath={.status.certificate}")
        self.certificate.write_bytes(base64.b64decode(encoded))

    def shown(self, *what: str) -> str:
        return openssl("x509", "-in", self.certificate, "-noout", *what).strip()


@pytest.fixture
def asker(process: ServerProcess, namespace: str, tmp_path: Path) -> Asker:
    return Asker(process.kubectl(namespace=namespace), tmp_path, process.config.pki / "ca.crt")


@pytest.mark.parametrize("sort", KEYS)
def test_a_user_asks_is_approved_and_comes_in(asker: Asker, process: ServerProcess, sort: str) -> None:
    asker.sort, kubectl, user = sort, asker.kubectl, f"jane-{asker.name}"
    asker.ask(f"/O=developers/CN={user}", API_CLIENT, *CLIENT, expirationSeconds=3600)
    headings, row = (line.split() for line in kubectl("get", "csr", asker.name).splitlines())
    assert headings == ["NAME", "AGE", "SIGNERNAME", "REQUESTOR", "REQUESTEDDURATION", "CONDITION"]
    assert row[2:] == [API_CLIENT, "kubernetes-admin", "60m", "Pending"]
    said = kubectl("certificate", "approve", asker.name)
    assert said == f"certificatesigningrequest.certificates.k8s.io/{asker.name} approved\n"
    asker.fetch()
    assert openssl("verify", "-CAfile", asker.ca, "-purpose", "sslclient", asker.certificate).endswith(": OK\n")
    assert asker.shown("-subject") == f"subject=O = developers, CN = {user}"
    assert " ".join(asker.shown("-ext", "keyUsage,extendedKeyUsage,basicConstraints").split()) == (
        "X509v3 Key Usage: critical Digital Signature X509v3 Extended Key Usage: TLS Web Client Authentication "
        "X509v3 Basic Constraints: critical CA:FALSE"
    )
    subprocess.run(["openssl", "x509", "-in", asker.certificate, "-noout", "-checkend", "3500"], check=True)
    ended = subprocess.run(["openssl", "x509", "-in", asker.certificate, "-noout", "-checkend", "3600"], check=False)
    assert ended.returncode == 1
    server = f"--server=https://127.0.0.1:{process.config.api_port}"
    files = (
        f"--certificate-authority={asker.ca}",
        f"--client-certificate={asker.certificate}",
        f"--client-key={asker.key}",
    )
    jane = ("--kubeconfig=/dev/null", server, *files)
    refused = kubectl.run(*jane, "get", "pods")
    assert f'User "{user}" cannot list resource "pods"' in refused.stderr
    kubectl("create", "rolebinding", "developers", "--clusterrole=view", "--group=developers")
    allowed = kubectl.run(*jane, "get", "pods")
    assert (allowed.returncode, allowed.stderr.strip()) == (
        0,
        f"No resources found in {kubectl.namespace} namespace.",
    )


def test_what_is_denied_stays_denied(kubectl: Kubectl, process: ServerProcess, tmp_path: Path) -> None:
    asker = Asker(kubectl, tmp_path, process.config.pki / "ca.crt")
    asker.ask("/CN=jane", API_CLIENT, *CLIENT)
    denied = asker.kubectl("certificate", "deny", asker.name)
    assert denied == f"certificatesigningrequest.certificates.k8s.io/{asker.name} denied\n"
    asker.becomes("Denied")
    again = asker.kubectl.run("certificate", "approve", asker.name)
    assert f'certificate signing request "{asker.name}" is already Denied' in again.stderr
    known = asker.kubectl.json("get", "csr", asker.name)
    known["status"]["conditions"].append({"type": "Approved", "status": "True"})
    path = f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{asker.name}/approval"
    forced = asker.kubectl.run("replace", "--raw", path, "-f", "-", stdin=json.dumps(known))
    assert "Approved and Denied conditions are mutually exclusive" in forced.stderr


def test_what_the_signer_must_not_sign_fails(asker: Asker) -> None:
    asker.ask("/CN=jane", API_CLIENT, "server auth")
    asker.kubectl("certificate", "approve", asker.name)
    asker.becomes("Approved,Failed")
    said = asker.kubectl("get", "csr", asker.name, "-o", CONDITION)
    assert said == "Approved Failed SignerValidationFailure invalid usage for client certificate: server auth"


def test_a_signer_that_nobody_is_waits(asker: Asker) -> None:
    asker.ask("/CN=jane", "example.com/signer", *CLIENT)
    asker.kubectl("certificate", "approve", asker.name)
    asker.becomes("Approved")


def test_nobody_asks_to_be_a_master(asker: Asker) -> None:
    body = json.dumps(asker.request("/O=developers/O=system:masters/CN=jane", API_CLIENT, *CLIENT))
    refused = asker.kubectl.run("create", "-f", "-", stdin=body)
    assert refused.stderr.strip().endswith(
        f'certificatesigningrequests.certificates.k8s.io "{asker.name}" is forbidden: '
        f"use of {API_CLIENT} signer with system:masters group is not allowed"
    )


def test_who_may_make_nodes_gets_a_kubelets_client_certificate(asker: Asker) -> None:
    joining, kubelet = f"joining-{asker.name}", f"system:node:{asker.name}"
    with asker.bound("system:node-bootstrapper", joining):
        asker.ask(f"/O=system:nodes/CN={kubelet}", KUBELET_CLIENT, *CLIENT, who=joining)
        asker.becomes("Pending")
        with asker.bound("system:certificates.k8s.io:certificatesigningrequests:nodeclient", joining):
            asker.fetch()
    message = "Auto approving kubelet client certificate after SubjectAccessReview."
    assert asker.kubectl("get", "csr", asker.name, "-o", CONDITION) == f"Approved AutoApproved {message}"
    assert asker.shown("-subject") == f"subject=O = system:nodes, CN = {kubelet}"


def test_a_kubelet_renews_its_own_client_certificate(asker: Asker) -> None:
    kubelet = f"system:node:{asker.name}"
    with asker.bound("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", kubelet):
        asker.ask(f"/O=system:nodes/CN={kubelet}", KUBELET_CLIENT, *CLIENT, who=kubelet)
        asker.fetch()
    message = "Auto approving self kubelet client certificate after SubjectAccessReview."
    assert asker.kubectl("get", "csr", asker.name, "-o", CONDITION) == f"Approved AutoApproved {message}"


def test_a_kubelet_does_not_ask_for_another_nodes_name(asker: Asker) -> None:
    kubelet = f"system:node:{asker.name}"
    with pytest.raises(KubectlError, match=f"can only create a node CSR with CN={kubelet}"):
        asker.ask("/O=system:nodes/CN=system:node:other", KUBELET_CLIENT, *CLIENT, who=kubelet)


def test_a_kubelet_gets_a_certificate_to_serve_with_for_the_addresses_of_its_node(asker: Asker) -> None:
    kubelet, kubectl = f"system:node:{asker.name}", asker.kubectl
    kubectl(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": asker.name}})
    )
    try:
        asker.ask(
            f"/O=system:nodes/CN={kubelet}",
            KUBELET_SERVING,
            *SERVER,
            names=f"DNS:{asker.name},IP:198.51.100.7",
            who=kubelet,
        )
        asker.becomes("Pending")
        addresses = [{"type": "Hostname", "address": asker.name}, {"type": "InternalIP", "address": "198.51.100.7"}]
        status = json.dumps({"status": {"addresses": addresses}})
        kubectl("patch", "node", asker.name, "--subresource=status", "--type=merge", "-p", status)
        asker.fetch()
        for checked in (("-verify_hostname", asker.name), ("-verify_ip", "198.51.100.7")):
            verified = openssl("verify", "-CAfile", asker.ca, "-purpose", "sslserver", *checked, asker.certificate)
            assert verified.endswith(": OK\n")
    finally:
        kubectl("delete", "node", asker.name)


def test_who_may_write_the_status_may_not_sign_for_that(asker: Asker) -> None:
    asker.ask("/CN=jane", API_CLIENT, *CLIENT)
    rights, user = f"{asker.name}-status", f"writer-{asker.name}"
    asker.kubectl("create", "clusterrole", rights, "--verb=get,patch,update", "--resource=csr,csr/status,csr/approval")
    failure = json.dumps({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    with asker.bound(rights, user):
        for verb, command in {
            "approve": ("certificate", "approve", asker.name),
            "sign": ("patch", "csr", asker.name, "--subresource=status", "--type=merge", "-p", failure),
        }.items():
            refused = asker.kubectl.run(*command, f"--as={user}")
            said = f'user not permitted to {verb} requests with signerName "{API_CLIENT}"'
            assert refused.stderr.strip().endswith(f"is forbidden: {said}")
    asker.kubectl("delete", "clusterrole", rights)
