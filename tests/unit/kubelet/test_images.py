"""Images: names, credentials, policies."""

from __future__ import annotations

import base64

import pytest

from knarr.kubelet.cri.runtime import Credentials
from knarr.kubelet.images import REFERENCE, claim, credentials_in, registry_of, with_tag
from tests.unit.kubelet.pods import pod


@pytest.mark.parametrize(
    ("name", "tagged", "registry"),
    [
        ("nginx", "nginx:latest", "docker.io"),
        ("nginx:1.25", "nginx:1.25", "docker.io"),
        ("library/nginx", "library/nginx:latest", "docker.io"),
        ("localhost:5000/a", "localhost:5000/a:latest", "localhost:5000"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io"),
        (f"gcr.io/a/b@sha256:{'0' * 64}", f"gcr.io/a/b@sha256:{'0' * 64}", "gcr.io"),
    ],
)
def test_references(name: str, tagged: str, registry: str) -> None:
    assert REFERENCE.fullmatch(name)
    assert (with_tag(name), registry_of(name)) == (tagged, registry)


@pytest.mark.parametrize("name", ["", "NGINX", "a:b:c", "nginx:", "-a", "a b"])
def test_what_is_no_reference(name: str) -> None:
    assert not REFERENCE.fullmatch(name)


AUTH = base64.b64encode(b"me:secret").decode()


@pytest.mark.parametrize(
    ("config", "registry", "expected"),
    [
        (f'{{"auths": {{"gcr.io": {{"auth": "{AUTH}"}}}}}}', "gcr.io", Credentials("me", "secret")),
        (f'{{"https://index.docker.io/v1/": {{"auth": "{AUTH}"}}}}', "docker.io", Credentials("me", "secret")),
        ('{"auths": {"gcr.io": {"username": "u", "password": "p"}}}', "gcr.io", Credentials("u", "p")),
        ('{"auths": {"gcr.io": {}}}', "quay.io", None),
    ],
    ids=["auth", "old form", "in clear", "another registry"],
)
def test_credentials(config: str, registry: str, expected: Credentials | None) -> None:
    assert credentials_in(config.encode(), registry) == expected


def test_only_pods_with_the_same_secrets_share_a_pull() -> None:
    one = {"imagePullSecrets": [{"name": "one"}]}
    claims = [claim(pod(spec), "a") for spec in ({}, one, one, {"imagePullSecrets": [{"name": "two"}]})]
    assert claims == ["a", "a shop/one", "a shop/one", "a shop/two"]
    assert claim(pod(one, namespace="other"), "a") == "a other/one"
