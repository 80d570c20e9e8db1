"""Requests for certificates as objects of the API: whose they are, what of them may change, and how long they stay."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from knarr.api.signers import API_CLIENT
from knarr.apiserver.authn.users import User
from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers import csrcleaner, csrsigning
from knarr.machinery.errors import NotFound
from tests.api.certificates import Authority
from tests.api.cluster import Cluster
from tests.api.harness import ADMIN, Server
from tests.signingrequests import named, request, spec

JSON = dict[str, Any]
REQUESTS, SIGNER = "/apis/certificates.k8s.io/v1/certificatesigningrequests", "example.com/signer"
PEM = request(named("jane"))
CERTIFICATE, KEY = "CERTIFICATE", "PRIVATE KEY"


def asked(pem: bytes = PEM, signer: str = SIGNER, *usages: str, **rest: Any) -> JSON:
    return {"metadata": {"name": "r"}, "spec": spec(pem, signer, *(usages or ("client auth",)), **rest)}


def verdicts(*kinds: str, **rest: str) -> JSON:
    return {"status": {"conditions": [{"type": kind, "status": "True", "reason": "Checked", **rest} for kind in kinds]}}


def block(label: str, content: bytes, header: str = "") -> str:
    """A block of PEM as a field has it."""
    encoded = base64.b64encode(content).decode()
    return base64.b64encode(f"-----BEGIN {label}-----\n{header}{encoded}\n-----END {label}-----\n".encode()).decode()


async def test_a_request_is_its_senders_and_nobody_has_approved_it(server: Server) -> None:
    answer = await server.post(REQUESTS, asked(username="somebody else", groups=["x"], uid="1") | verdicts("Approved"))
    assert answer.status == 201
    assert (answer.body["spec"]["username"], answer.body["spec"]["groups"]) == (ADMIN.name, list(ADMIN.groups))
    assert "uid" not in answer.body["spec"]
    assert answer.body.get("status", {}) == {}


async def test_all_that_is_known_of_the_sender_is_kept(server: Server) -> None:
    groups, extra = ("system:masters", "b"), {"example.com/scope": ("x", "y")}
    client = Cluster(server).acting_as(User("jane", "u-1", groups, extra))
    made = await client.create(SIGNING_REQUESTS, asked(), view=dict)
    who = {"username": "jane", "uid": "u-1", "groups": [*groups], "extra": {"example.com/scope": ["x", "y"]}}
    assert {name: made["spec"][name] for name in who} == who


@pytest.mark.parametrize("path", ["", "/status", "/approval"], ids=["itself", "its status", "its approval"])
async def test_what_was_asked_for_never_changes(server: Server, path: str) -> None:
    made = (await server.post(REQUESTS, asked())).body
    other = {"signerName": "example.com/other", "username": "else", "usages": ["server auth"], "groups": []}
    changed = await server.patch(f"{REQUESTS}/r{path}", {"spec": other, "metadata": {"labels": {"a": "b"}}})
    assert (changed.status, changed.body["spec"]) == (200, made["spec"])
    put = await server.put(f"{REQUESTS}/r{path}", {**changed.body, "spec": {**made["spec"], **other}})
    assert (put.status, put.body["spec"]) == (200, made["spec"])


REFUSED = {
    "no request": ({"request": None}, "spec.request: Required value"),
    "no PEM": (
        {"request": base64.b64encode(b"x").decode()},
        'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
    ),
    "no usage": ({"usages": []}, "spec.usages: Required value"),
    "an unknown usage": ({"usages": ["flying"]}, 'spec.usages[0]: Unsupported value: "flying": supported values: '),
    "a usage twice": ({"usages": ["any", "any"]}, 'spec.usages[1]: Duplicate value: "any"'),
    "no signer": ({"signerName": ""}, "spec.signerName: Required value"),
    "no domain": (
        {"signerName": "signer"},
        'spec.signerName: Invalid value: "signer": must be a fully qualified domain and path of the form '
        "'example.com/signer-name'",
    ),
    "the old signer": (
        {"signerName": "kubernetes.io/legacy-unknown"},
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this '
        "API version",
    ),
    "too short": (
        {"expirationSeconds": 599},
        "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_asked_for(server: Server, change: JSON, message: str) -> None:
    body = asked()
    body["spec"] |= change
    answer = await server.post(REQUESTS, body)
    assert answer.status == 422
    assert answer.body["message"].startswith(f'CertificateSigningRequest.certificates.k8s.io "r" is invalid: {message}')


async def test_a_verdict_is_given_through_approval_alone_and_for_good(server: Server) -> None:
    await server.post(REQUESTS, asked())
    await server.patch(f"{REQUESTS}/r", verdicts("Approved"))
    smuggled = await server.patch(f"{REQUESTS}/r/status", verdicts("Approved"))
    assert (
        'status.conditions: Forbidden: updates may not add a condition of type "Approved"' in smuggled.body["message"]
    )
    approved = (await server.patch(f"{REQUESTS}/r/approval", verdicts("Approved"))).body
    (condition,) = approved["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"]
    back = await server.patch(f"{REQUESTS}/r/approval", {"status": {"conditions": []}})
    assert 'updates may not remove a condition of type "Approved"' in back.body["message"]
    both = await server.patch(f"{REQUESTS}/r/approval", verdicts("Approved", "Denied"))
    assert (
        'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
        in both.body["message"]
    )
    reworded = await server.patch(f"{REQUESTS}/r/approval", verdicts("Approved", message="indeed"))
    assert reworded.body["status"]["conditions"][0]["message"] == "indeed"
    by_signer = await server.patch(f"{REQUESTS}/r/status", verdicts("Approved", message="no"))
    assert 'updates may not modify a condition of type "Approved"' in by_signer.body["message"]


async def test_a_failure_is_for_good(server: Server) -> None:
    await server.post(REQUESTS, asked())
    await server.patch(f"{REQUESTS}/r/approval", verdicts("Approved"))
    (approved,) = (await server.get(f"{REQUESTS}/r")).body["status"]["conditions"]
    failed = verdicts("Failed")["status"]["conditions"]
    answer = await server.patch(f"{REQUESTS}/r/status", {"status": {"conditions": [approved, *failed]}})
    assert [c["type"] for c in answer.body["status"]["conditions"]] == ["Approved", "Failed"]
    undone = await server.patch(f"{REQUESTS}/r/status", {"status": {"conditions": [approved]}})
    assert 'updates may not remove a condition of type "Failed"' in undone.body["message"]


async def test_approval_leaves_the_certificate_to_the_signer_and_may_annotate(server: Server) -> None:
    await server.post(REQUESTS, asked())
    noted = {"metadata": {"annotations": {"why": "known"}}, "status": {"certificate": "YQ=="}}
    answer = await server.patch(f"{REQUESTS}/r/approval", noted)
    assert "certificate" not in answer.body.get("status", {})
    assert answer.body["metadata"]["annotations"] == {"why": "known"}


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        pytest.param("YQ==", "must contain at least one CERTIFICATE PEM block", id="no PEM"),
        pytest.param(
            block(KEY, b"x"), 'only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"', id="another block"
        ),
        pytest.param(block(CERTIFICATE, b"x", "Proc: x\n\n"), "no PEM block headers are permitted", id="a header"),
        pytest.param(block(CERTIFICATE, b"x"), "", id="no certificate"),
    ],
)
async def test_what_is_no_certificate(server: Server, certificate: str, message: str) -> None:
    await server.post(REQUESTS, asked())
    answer = await server.patch(f"{REQUESTS}/r/status", {"status": {"certificate": certificate}})
    assert answer.status == 422
    assert f'status.certificate: Invalid value: "<certificate data>": {message}' in answer.body["message"]


async def test_a_certificate_is_given_once(server: Server, tmp_path: Path) -> None:
    await server.post(REQUESTS, asked())
    authority = Authority(tmp_path)
    one, other = (base64.b64encode(authority.issue(who).certificate.read_bytes()).decode() for who in ("one", "other"))
    given = await server.patch(f"{REQUESTS}/r/status", {"status": {"certificate": one}})
    assert given.body["status"]["certificate"] == one
    for again in (other, None):
        refused = await server.patch(f"{REQUESTS}/r/status", {"status": {"certificate": again}})
        assert "updates may not modify existing certificate content" in refused.body["message"]


async def test_a_request_is_signed_and_goes_in_time(server: Server, tmp_path: Path) -> None:
    authority, cluster = Authority(tmp_path), Cluster(server)
    files = {"cluster_signing_cert_file": authority.file.read_text(), "cluster_signing_key_file": authority.key_pem}
    async with cluster.running(csrsigning.CONTROLLER, csrcleaner.CONTROLLER, **files):
        await server.post(REQUESTS, asked(signer=API_CLIENT))
        await cluster.advance(23 * 3600)
        await server.patch(f"{REQUESTS}/r/approval", verdicts("Approved"))
        await cluster.advance(3599)
        found = await cluster.client.get(SIGNING_REQUESTS, "r", view=dict)
        certificate = x509.load_pem_x509_certificate(base64.b64decode(found["status"]["certificate"]))
        assert certificate.subject == x509.load_pem_x509_csr(PEM).subject
        await cluster.advance(1)
        with pytest.raises(NotFound):
            await cluster.client.get(SIGNING_REQUESTS, "r", view=dict)


async def test_the_subresources_are_objects_of_their_own(server: Server, tmp_path: Path) -> None:
    """As upstream's conformance test of the API has it: each is read, patched and replaced, annotations included."""
    await server.post(REQUESTS, asked(signer="e2e.example.com/signer"))
    for part in ("approval", "status"):
        assert (await server.get(f"{REQUESTS}/r/{part}")).body["kind"] == "CertificateSigningRequest"
    seen = {"type": "ApprovalPatch", "status": "True", "reason": "e2e"}
    patch = {"metadata": {"annotations": {"approval": "patched"}}, "status": {"conditions": [seen]}}
    patched = (await server.patch(f"{REQUESTS}/r/approval", patch)).body
    approved = {"type": "Approved", "status": "True", "reason": "E2E", "message": "Set from an e2e test"}
    patched["status"]["conditions"].append(approved)
    put = (await server.put(f"{REQUESTS}/r/approval", patched)).body
    assert [c["type"] for c in put["status"]["conditions"]] == ["ApprovalPatch", "Approved"]
    encoded = base64.b64encode(Authority(tmp_path).issue("jane").certificate.read_bytes()).decode()
    patch = {"metadata": {"annotations": {"status": "patched"}}, "status": {"certificate": encoded}}
    signed = (await server.patch(f"{REQUESTS}/r/status", patch)).body
    assert (signed["metadata"]["annotations"], signed["status"]["certificate"]) == (
        {"approval": "patched", "status": "patched"},
        encoded,
    )
    signed["status"]["conditions"].append({"type": "StatusUpdate", "status": "True", "reason": "E2E"})
    put = (await server.put(f"{REQUESTS}/r/status", signed)).body
    assert [c["type"] for c in put["status"]["conditions"]] == ["ApprovalPatch", "Approved", "StatusUpdate"]
    assert (await server.delete(REQUESTS, fieldSelector="spec.signerName=e2e.example.com/signer")).status == 200
    assert (await server.get(REQUESTS)).body["items"] == []
