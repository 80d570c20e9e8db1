"""What a machine that is to join asks first: where the server is, and whether it is the one that the token is of."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from knarr.apiserver import bootstrap
from knarr.apiserver.clusterinfo import ClusterInfo, publish
from knarr.controllers.bootstrapsigner import signature
from knarr.machinery import yamls
from tests.api.bearers import eventually
from tests.api.harness import Server
from tests.api.processes import ServerProcess

PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public"
ROLE = "kubeadm:bootstrap-signer-clusterinfo"
INFO = ClusterInfo("https://10.0.0.1:6443", b"PEM")


def anonymously(process: ServerProcess, path: str) -> Any:
    """What somebody gets who knows nothing, not even whom to trust; the status where that is no answer."""
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{process.config.api_port}{path}", context=blind) as answer:
            return yamls.load(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def open_to_all(process: ServerProcess) -> Iterator[None]:
    """Everybody may read it, as administrators have it whose machines join by tokens."""
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:anonymous"}
    reference = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": ROLE}
    binding = {"metadata": {"name": ROLE}, "subjects": [subject], "roleRef": reference}
    assert process.send("POST", f"{RBAC}/rolebindings", binding).status == 201
    yield
    assert process.send("DELETE", f"{RBAC}/rolebindings/{ROLE}").status == 200


def test_nobody_reads_it_unless_an_administrator_says_so(process: ServerProcess) -> None:
    assert anonymously(process, PATH) == 403


@pytest.mark.usefixtures("open_to_all")
def test_a_token_tells_that_the_cluster_is_the_one_that_is_meant(process: ServerProcess) -> None:
    secret = "0123456789abcdef"
    data = {"token-id": "abcdef", "token-secret": secret, "usage-bootstrap-signing": "true"}
    body = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    assert process.send("POST", SECRETS, body).status == 201
    eventually(lambda: "jws-kubeconfig-abcdef" in anonymously(process, PATH)["data"])
    found = anonymously(process, PATH)["data"]
    assert found["jws-kubeconfig-abcdef"] == signature(found["kubeconfig"], "abcdef", secret)
    (cluster,) = yamls.load(found["kubeconfig"].encode())["clusters"]
    assert cluster["cluster"]["server"] == f"https://127.0.0.1:{process.config.api_port}"
    authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"])
    assert authority == (process.config.pki / "ca.crt").read_bytes()
    assert process.send("DELETE", f"{SECRETS}/bootstrap-token-abcdef").status == 200
    eventually(lambda: list(anonymously(process, PATH)["data"]) == ["kubeconfig"])


@pytest.mark.usefixtures("open_to_all")
@pytest.mark.parametrize("path", [PATH.rpartition("/")[0], SECRETS, "/api/v1/namespaces/kube-public"])
def test_nothing_else_is_everybodys(process: ServerProcess, path: str) -> None:
    assert anonymously(process, path) == 403


def test_a_token_ends_with_its_time(process: ServerProcess) -> None:
    data = {"token-id": "ghijkl", "token-secret": "0123456789abcdef", "expiration": "2020-01-01T00:00:00Z"}
    body = {"metadata": {"name": "bootstrap-token-ghijkl"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    assert process.send("POST", SECRETS, body).status == 201
    eventually(lambda: process.send("GET", f"{SECRETS}/bootstrap-token-ghijkl").status == 404)


@pytest.fixture
async def young(server: Server) -> Server:
    """A cluster in its first moment."""
    await publish(server.api.registry, INFO)
    await bootstrap.ensure(server.api.registry)
    return server


async def test_it_is_born_with_the_cluster_and_never_again(young: Server) -> None:
    for path in (PATH, f"{RBAC}/roles/{ROLE}"):
        assert (await young.delete(path)).status == 200
        await publish(young.api.registry, INFO)
        assert (await young.get(path)).status == 404


@pytest.mark.parametrize("follows", [True, False], ids=["roaming", "at home"])
async def test_it_follows_an_address_that_is_not_for_life(young: Server, follows: bool) -> None:
    await young.patch(PATH, {"data": {"jws-kubeconfig-abcdef": "x"}})
    moved = ClusterInfo("https://10.0.0.2:6443", b"PEM", follows=follows)
    await publish(young.api.registry, moved)
    data = (await young.get(PATH)).body["data"]
    assert data == {"kubeconfig": (moved if follows else INFO).kubeconfig(), "jws-kubeconfig-abcdef": "x"}
    before = young.cache.revision
    await publish(young.api.registry, moved)
    assert young.cache.revision == before
