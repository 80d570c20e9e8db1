"""Certificates as people and kubelets come by them: asked for with openssl, approved with kubectl, used by both."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from tests.api.processes import ServerProcess
from tests.kubectl import Kubectl

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
        """Send a request; as a kubelet, if `who` is one."""
        acting = [f"--as={who}", "--as-group=system:nodes", "--as-group=system:authenticated"] if who else []
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
def asker(kubectl: Kubectl, process: ServerProcess, tmp_path: Path) -> Asker:
    return Asker(kubectl, tmp_path, process.config.pki / "ca.crt")


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


def test_what_is_denied_stays_denied(asker: Asker) -> None:
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


def test_a_kubelet_gets_its_client_certificate_once_it_is_granted_that(asker: Asker) -> None:
    kubelet = f"system:node:{asker.name}"
    asker.ask(f"/O=system:nodes/CN={kubelet}", KUBELET_CLIENT, *CLIENT, who=kubelet)
    asker.becomes("Pending")
    role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
    binding = f"{asker.name}-selfnodeclient"
    asker.kubectl("create", "clusterrolebinding", binding, f"--clusterrole={role}", f"--user={kubelet}")
    try:
        asker.fetch()
    finally:
        asker.kubectl("delete", "clusterrolebinding", binding)
    message = "Auto approving self kubelet client certificate after SubjectAccessReview."
    assert asker.kubectl("get", "csr", asker.name, "-o", CONDITION) == f"Approved AutoApproved {message}"
    assert asker.shown("-subject") == f"subject=O = system:nodes, CN = {kubelet}"


def test_a_kubelet_that_asks_for_another_nodes_name_waits_for_ever(asker: Asker) -> None:
    kubelet = f"system:node:{asker.name}"
    role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
    binding = f"{asker.name}-selfnodeclient"
    asker.kubectl("create", "clusterrolebinding", binding, f"--clusterrole={role}", f"--user={kubelet}")
    try:
        asker.ask("/O=system:nodes/CN=system:node:other", KUBELET_CLIENT, *CLIENT, who=kubelet)
        proof = Asker(asker.kubectl, asker.folder, asker.ca)
        proof.name = f"{asker.name}-proof"
        proof.ask(f"/O=system:nodes/CN={kubelet}", KUBELET_CLIENT, *CLIENT, who=kubelet)
        proof.becomes("Approved,Issued")  # what came later has been looked at
        asker.becomes("Pending")
    finally:
        asker.kubectl("delete", "clusterrolebinding", binding)


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
    rights = f"{asker.name}-status"
    asker.kubectl("create", "clusterrole", rights, "--verb=get,patch,update", "--resource=csr,csr/status,csr/approval")
    asker.kubectl("create", "clusterrolebinding", rights, f"--clusterrole={rights}", f"--user={rights}")
    failure = json.dumps({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    try:
        for verb, command in {
            "approve": ("certificate", "approve", asker.name),
            "sign": ("patch", "csr", asker.name, "--subresource=status", "--type=merge", "-p", failure),
        }.items():
            refused = asker.kubectl.run(*command, f"--as={rights}")
            said = f'user not permitted to {verb} requests with signerName "{API_CLIENT}"'
            assert refused.stderr.strip().endswith(f"is forbidden: {said}")
    finally:
        asker.kubectl("delete", "clusterrolebinding,clusterrole", rights)
