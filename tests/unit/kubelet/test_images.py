"""Images: names, credentials, policies."""

from __future__ import annotations

import base64

import pytest

from knarr.kubelet.cri.runtime import Credentials
from knarr.kubelet.images import REFERENCE, claim, credentials_in, repository_of, with_tag
from tests.unit.kubelet.pods import pod


@pytest.mark.parametrize(
    ("name", "tagged", "repository"),
    [
        ("nginx", "nginx:latest", "docker.io/library/nginx"),
        ("nginx:1.25", "nginx:1.25", "docker.io/library/nginx"),
        ("library/nginx", "library/nginx:latest", "docker.io/library/nginx"),
        ("localhost:5000/a", "localhost:5000/a:latest", "localhost:5000/a"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io/pause"),
        (f"gcr.io/a/b@sha256:{'0' * 64}", f"gcr.io/a/b@sha256:{'0' * 64}", "gcr.io/a/b"),
    ],
)
def test_references(name: str, tagged: str, repository: str) -> None:
    assert REFERENCE.fullmatch(name)
    assert (with_tag(name), repository_of(name)) == (tagged, repository)


@pytest.mark.parametrize("name", ["", "NGINX", "a:b:c", "nginx:", "-a", "a b"])
def test_what_is_no_reference(name: str) -> None:
    assert not REFERENCE.fullmatch(name)


AUTH = base64.b64encode(b"me:secret").decode()


BY_PLACE = """{"auths": {
    "*.example.com": {"username": "pattern", "password": "p"},
    "eu.example.com/team": {"username": "team", "password": "p"},
    "eu.example.com/team/app": {"username": "app", "password": "p"}
}}"""


@pytest.mark.parametrize(
    ("config", "repository", "expected"),
    [
        (f'{{"auths": {{"gcr.io": {{"auth": "{AUTH}"}}}}}}', "gcr.io/a", [Credentials("me", "secret")]),
        (f'{{"https://index.docker.io/v1/": {{"auth": "{AUTH}"}}}}', "docker.io/a/b", [Credentials("me", "secret")]),
        ('{"auths": {"gcr.io": {"username": "u", "password": "p"}}}', "gcr.io/a", [Credentials("u", "p")]),
        ('{"auths": {"gcr.io": {}}}', "quay.io/a", []),
        (BY_PLACE, "eu.example.com/team/app", [Credentials(name, "p") for name in ("app", "team", "pattern")]),
        (BY_PLACE, "us.example.com/team/app", [Credentials("pattern", "p")]),
        (BY_PLACE, "a.eu.example.com/team", []),
        (BY_PLACE, "eu.example.com:5000/team", []),
    ],
    ids=["auth", "old form", "in clear", "another registry", "closest", "pattern", "more labels", "another port"],
)
def test_credentials(config: str, repository: str, expected: list[Credentials]) -> None:
    assert credentials_in(config.encode(), repository) == expected


def test_only_pods_with_the_same_secrets_share_a_pull() -> None:
    one = {"imagePullSecrets": [{"name": "one"}]}
    claims = [claim(pod(spec), "a") for spec in ({}, one, one, {"imagePullSecrets": [{"name": "two"}]})]
    assert claims == ["a", "a shop/one", "a shop/one", "a shop/two"]
    assert claim(pod(one, namespace="other"), "a") == "a other/one"
