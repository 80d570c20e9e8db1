"""What upstream's conformance suite, and its other tests of identities, ask for of Pods that run, step by step as they
do it: tokens in Pods and what they say, the issuer's documents, the kubelet's port.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.places import AUTHN, KUBERNETES, MOUNTED, REVIEWS, Place

JSON = dict[str, Any]
FILES = ("token", "ca.crt", "namespace")


def projected(**source: Any) -> JSON:
    """A volume with a token."""
    return {"name": "it", "projected": {"sources": [{"serviceAccountToken": {"path": "token", **source}}]}}


def test_a_token_is_mounted_and_tells_whose_it_is(place: Place) -> None:
    place.create("ServiceAccount", "mount-test")
    pod = place.run("pod-service-account", serviceAccountName="mount-test", restartPolicy="Never")
    token, authority, namespace = (place.read("pod-service-account", f"{MOUNTED}/{name}") for name in FILES)
    published = place.admin.get(place.path("configmaps", "kube-root-ca.crt"))
    assert (authority, namespace) == (published["data"]["ca.crt"], place.namespace)
    review = place.admin.create(REVIEWS, f"{AUTHN}/v1", "TokenReview", {"spec": {"token": token}})["status"]
    assert review["authenticated"] and "error" not in review
    user, node = review["user"], place.admin.get(f"/api/v1/nodes/{place.node}")
    assert user["username"] == f"system:serviceaccount:{place.namespace}:mount-test"
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{place.namespace}", "system:authenticated"}
    assert set(user["groups"]) == groups
    (credential,) = user["extra"].pop(f"{KUBERNETES}/credential-id")
    assert credential.startswith("JTI=")
    assert user["extra"] == {
        f"{KUBERNETES}/pod-name": ["pod-service-account"],
        f"{KUBERNETES}/pod-uid": [pod["metadata"]["uid"]],
        f"{KUBERNETES}/node-name": [place.node],
        f"{KUBERNETES}/node-uid": [node["metadata"]["uid"]],
    }


@pytest.mark.parametrize(
    ("security", "owned"),
    [
        pytest.param({"runAsUser": 1000}, "-rw------- 1000 0", id="a user"),
        pytest.param({"fsGroup": 10000}, "-rw-r----- 0 10000", id="a group"),
        pytest.param({"runAsUser": 1000, "fsGroup": 10000}, "-rw-r----- 1000 10000", id="both"),
        pytest.param({}, "-rw-r--r-- 0 0", id="neither"),
    ],
)
def test_a_projected_token_is_for_who_runs(place: Place, security: JSON, owned: str) -> None:
    place.run("p", volumes=[projected(expirationSeconds=3600)], securityContext=security)
    assert place.kubectl("exec", "p", "--", "stat", "-L", "-c", "%A %u %g", "/it/token").strip() == owned
    assert re.fullmatch(r"[A-Za-z0-9-_=]+\.[A-Za-z0-9-_=]+\.?[A-Za-z0-9-_.+/=]*", place.read("p", "/it/token"))


def test_a_pod_verifies_its_own_token_by_the_issuers_documents(place: Place) -> None:
    """What agnhost's test-service-account-issuer-discovery does: it trusts the authority in the Pod alone."""
    volume = projected(expirationSeconds=600, audience="oidc-discovery-test")
    place.run("oidc-discovery-validator", "knarr/openssl", volumes=[volume])
    token = place.read("oidc-discovery-validator", "/it/token")
    header, payload, signature = token.split(".")
    claims = json.loads(_unpadded(payload))
    assert claims["aud"] == ["oidc-discovery-test"]
    with place.may_everywhere("system:service-account-issuer-discovery"):
        document = _fetched(place, f"{claims['iss']}/.well-known/openid-configuration")
        keys = {key["kid"]: key for key in _fetched(place, document["jwks_uri"])["keys"]}
    assert document["issuer"] == claims["iss"]
    told = json.loads(_unpadded(header))
    assert told["alg"] in document["id_token_signing_alg_values_supported"]
    key = keys[told["kid"]]
    exponent, modulus = (int.from_bytes(_unpadded(key[part])) for part in ("e", "n"))
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    public.verify(_unpadded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())


def _fetched(place: Place, url: str) -> JSON:
    """By the Pod, with the token that it has anyway, from a server that must be who it says."""
    host, _, path = url.removeprefix("https://").partition("/")
    name, _, port = host.partition(":")
    checked = "-verify_ip" if name.replace(".", "").isdigit() else "-verify_hostname"
    head = f"GET /{path} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\nAuthorization: Bearer %s\\r\\n\\r\\n"
    client = f"openssl s_client -quiet -verify_return_error -CAfile {MOUNTED}/ca.crt {checked} {name}"
    script = f"printf '{head}' \"$(cat {MOUNTED}/token)\" | {client} -connect {name}:{port or 443}"
    answer = place.kubectl("exec", "oidc-discovery-validator", "--", "sh", "-c", script)
    status, _, body = answer.partition("\n\n")
    assert status.startswith("HTTP/1.1 200"), answer
    found: JSON = json.loads(body)
    return found


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("token", ["", f"$(cat {MOUNTED}/token)"], ids=["nobody", "an account"])
def test_the_kubelet_refuses_a_pod(place: Place, token: str) -> None:
    place.create("ServiceAccount", "node-auth-newsa", automountServiceAccountToken=True)
    place.run("test-node-authn", "knarr/openssl", serviceAccountName="node-auth-newsa")
    config = place.config
    proof = f"Authorization: Bearer {token}\\r\\n" if token else ""
    head = f"HEAD /metrics HTTP/1.1\\r\\nHost: node\\r\\nConnection: close\\r\\n{proof}\\r\\n"
    script = f'printf "{head}" | openssl s_client -quiet -connect {config.node_ip}:{config.kubelet_port}'
    answer = place.kubectl("exec", "test-node-authn", "--", "sh", "-c", script)
    assert answer.startswith("HTTP/1.1 403" if token else "HTTP/1.1 401")
