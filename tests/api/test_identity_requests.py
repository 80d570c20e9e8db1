"""Requests for certificates as upstream's conformance suite makes them: each verb, and each of the subresources."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from kubernetes import config, dynamic

from tests.api.bearers import eventually
from tests.api.certificates import Authority
from tests.api.processes import ServerProcess
from tests.api.typed import Refused, Typed

JSON = dict[str, Any]
VERSION, KIND = "certificates.k8s.io/v1", "CertificateSigningRequest"
PATH = f"/apis/{VERSION}/certificatesigningrequests"
RBAC = "rbac.authorization.k8s.io"
PEM = serialization.Encoding.PEM
VERBS = {
    "": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    "/approval": ["get", "patch", "update"],
    "/status": ["get", "patch", "update"],
}


@pytest.fixture
def admin(process: ServerProcess) -> Typed:
    return Typed.admin(process.config)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def asked(key: rsa.RSAPrivateKey, name: str, signer: str, usage: str, prefix: str = "") -> JSON:
    """A request of that common name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    pem = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256()).public_bytes(PEM)
    usages = ["digital signature", "key encipherment", usage]
    spec = {"request": base64.b64encode(pem).decode(), "signerName": signer, "usages": usages}
    return {"metadata": {"generateName": prefix or f"{name}-"}, "spec": {**spec, "expirationSeconds": 3600}}


def verdict(kind: str) -> JSON:
    return {"type": kind, "status": "True", "reason": "E2E", "message": "Set from an e2e test"}


def with_condition(tree: JSON, kind: str) -> JSON:
    conditions = [*tree["status"].get("conditions", []), verdict(kind)]
    return {**tree, "status": {**tree["status"], "conditions": conditions}}


def kinds_of(tree: JSON) -> list[str]:
    return [condition["type"] for condition in tree["status"]["conditions"]]


@contextmanager
def allowed_to_ask(admin: Typed, user: str) -> Iterator[None]:
    """While this lasts, the user may create requests."""
    path, metadata = f"/apis/{RBAC}/v1/", {"generateName": f"{user}-"}
    rule = {"verbs": ["create"], "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"]}
    role = admin.create(f"{path}clusterroles", f"{RBAC}/v1", "ClusterRole", {"metadata": metadata, "rules": [rule]})
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role["metadata"]["name"]}
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": user}]
    tree = {"metadata": metadata, "roleRef": reference, "subjects": subjects}
    binding = admin.create(f"{path}clusterrolebindings", f"{RBAC}/v1", "ClusterRoleBinding", tree)
    yield
    admin.delete(f"{path}clusterrolebindings/{binding['metadata']['name']}", f"{RBAC}/v1")
    admin.delete(f"{path}clusterroles/{role['metadata']['name']}", f"{RBAC}/v1")


def test_a_client_is_built_with_a_request(
    admin: Typed, process: ServerProcess, key: rsa.RSAPrivateKey, namespace: str, tmp_path: Path
) -> None:
    user = f"tester-{namespace}"
    wanted = asked(key, user, "kubernetes.io/kube-apiserver-client", "client auth")
    request = admin.create(PATH, VERSION, KIND, wanted)
    path = f"{PATH}/{request['metadata']['name']}"
    admin.update(f"{path}/approval", {**request, "status": {"conditions": [verdict("Approved")]}})
    eventually(lambda: "certificate" in admin.get(path)["status"])
    issued = base64.b64decode(admin.get(path)["status"]["certificate"])
    (certificate,) = x509.load_pem_x509_certificates(issued)
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() <= 3900
    files = tmp_path / "crt", tmp_path / "key"
    files[0].write_bytes(issued)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    files[1].write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))
    with allowed_to_ask(admin, user):
        again = Typed(process.config, files).create(PATH, VERSION, KIND, wanted)
    assert again["spec"]["username"] == user
    admin.delete(f"{PATH}/{again['metadata']['name']}", VERSION)
    admin.delete(path, VERSION)


def test_discovery(admin: Typed) -> None:
    (group,) = [group for group in admin.get("/apis")["groups"] if group["name"] == "certificates.k8s.io"]
    assert "v1" in [version["version"] for version in group["versions"]]
    assert "v1" in [version["version"] for version in admin.get("/apis/certificates.k8s.io")["versions"]]
    found = {one["name"]: sorted(one["verbs"]) for one in admin.get(f"/apis/{VERSION}")["resources"]}
    assert {name: found[f"certificatesigningrequests{name}"] for name in VERBS} == VERBS


class Requests:
    """Three requests to a signer that nobody is; the last one is what is worked with."""

    def __init__(self, admin: Typed, key: rsa.RSAPrivateKey, namespace: str) -> None:
        self.signer = f"example.com/e2e-{namespace}"
        wanted = asked(key, "e2e.example.com", self.signer, "server auth", "e2e-example-csr-")
        *_, self.last = [admin.create(PATH, VERSION, KIND, wanted) for _ in range(3)]
        self.name, self.uid = self.last["metadata"]["name"], self.last["metadata"]["uid"]
        self.path, self._admin = f"{PATH}/{self.name}", admin

    def listed(self) -> JSON:
        return self._admin.get(PATH, fieldSelector=f"spec.signerName={self.signer}")

    def delete(self) -> None:
        self._admin.delete(PATH, VERSION, fieldSelector=f"spec.signerName={self.signer}")


@pytest.fixture
def requests(admin: Typed, key: rsa.RSAPrivateKey, namespace: str) -> Iterator[Requests]:
    made = Requests(admin, key, namespace)
    yield made
    made.delete()


def test_requests_are_read_watched_and_changed(admin: Typed, requests: Requests) -> None:
    found = admin.get(requests.path)
    assert (found["metadata"]["uid"], found["spec"]["expirationSeconds"]) == (requests.uid, 3600)
    listed = requests.listed()
    assert len(listed["items"]) == 3
    since, one = listed["metadata"]["resourceVersion"], f"metadata.name={requests.name}"
    with admin.watch(PATH, resourceVersion=since, fieldSelector=one) as events:
        patched = admin.patch(requests.path, {"metadata": {"annotations": {"patched": "true"}}})
        assert patched["metadata"]["annotations"] == {"patched": "true"}
        patched["metadata"]["annotations"]["updated"] = "true"
        assert admin.update(requests.path, patched)["metadata"]["annotations"]["updated"] == "true"
        for annotations in ({"patched": "true"}, {"patched": "true", "updated": "true"}):
            kind, seen = next(events)
            assert (kind, seen["kind"], seen["metadata"]["annotations"]) == ("MODIFIED", KIND, annotations)


@pytest.mark.parametrize("subresource", ["approval", "status"])
def test_subresources_are_read_by_a_client_that_knows_no_types(
    process: ServerProcess, requests: Requests, subresource: str
) -> None:
    with config.new_client_from_config(str(process.config.admin_kubeconfig)) as api:
        resource = dynamic.DynamicClient(api).resources.get(api_version=VERSION, kind=KIND)
        found = getattr(resource, subresource).get(name=requests.name)
    assert (found.kind, found.apiVersion, found.metadata.uid) == (KIND, VERSION, requests.uid)


def test_a_verdict_is_patched_and_updated(admin: Typed, requests: Requests) -> None:
    condition = {"type": "ApprovalPatch", "status": "True", "reason": "e2e"}
    patch = {"metadata": {"annotations": {"patchedapproval": "true"}}, "status": {"conditions": [condition]}}
    patched = admin.patch(f"{requests.path}/approval", patch)
    assert kinds_of(patched) == ["ApprovalPatch"]
    assert patched["metadata"]["annotations"] == {"patchedapproval": "true"}
    updated = admin.update(f"{requests.path}/approval", with_condition(patched, "Approved"))
    assert kinds_of(updated) == ["ApprovalPatch", "Approved"]


def test_a_certificate_is_patched_and_conditions_are_updated(admin: Typed, requests: Requests, tmp_path: Path) -> None:
    """The certificate of another authority, as a signer of one's own gives it."""
    issued = base64.b64encode(Authority(tmp_path, "e2e.example.com").file.read_bytes()).decode()
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"certificate": issued}}
    patched = admin.patch(f"{requests.path}/status", patch)
    assert patched["status"]["certificate"] == issued
    assert patched["metadata"]["annotations"] == {"patchedstatus": "true"}
    updated = admin.update(f"{requests.path}/status", with_condition(patched, "StatusUpdate"))
    assert kinds_of(updated) == ["StatusUpdate"]


def test_requests_are_deleted_one_by_one_and_all_of_a_signer(admin: Typed, requests: Requests) -> None:
    admin.delete(requests.path, VERSION)
    with pytest.raises(Refused) as refused:
        admin.get(requests.path)
    assert (refused.value.code, refused.value.reason) == (404, "NotFound")
    assert len(requests.listed()["items"]) == 2
    requests.delete()
    assert requests.listed().get("items", []) == []
