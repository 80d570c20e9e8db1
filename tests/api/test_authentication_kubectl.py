"""A server as users start it: tokens of its flags' file and of Secrets, and its own front proxy."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knarr.cluster.flags.authentication import Authentication
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from tests.api.processes import (
    NEWEST,
    OLDEST,
    PATIENCE,
    ServerProcess,
    chosen_datastore,
    configured,
    exchange,
    launched,
)

EVERY_KUBECTL = pytest.mark.parametrize("binary", [OLDEST, NEWEST], ids=lambda path: path.name)
SECRET: dict[str, Any] = {
    "kind": "Secret",
    "apiVersion": "v1",
    "type": "bootstrap.kubernetes.io/token",
    "metadata": {"name": "bootstrap-token-07401b", "namespace": "kube-system"},
    "stringData": {
        "token-id": "07401b",
        "token-secret": "f395accd246ae52d",
        "expiration": "2096-01-01T00:00:00Z",
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": "system:bootstrappers:worker",
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One that knows carol by a token, and nobody without credentials."""
    directory = tmp_path_factory.mktemp("authentication")
    tokens = directory / "tokens.csv"
    tokens.write_text('carols-token,carol,c1,"team,other"\n')
    flags = APIFlags(authentication=Authentication(token_auth_file=File(str(tokens)), anonymous_auth=False))
    with chosen_datastore(directory) as datastore:
        found = launched(configured(directory, api=flags, **datastore), directory / "server.log")
        try:
            yield found
        finally:
            found.process.terminate()
            found.process.wait(PATIENCE)


def refusal(server: ServerProcess, binary: Path, *arguments: str) -> str:
    """What kubectl says with no credentials but these."""
    address = f"--server=https://127.0.0.1:{server.config.api_port}"
    trusted = f"--certificate-authority={server.config.pki / 'ca.crt'}"
    done = server.kubectl(binary).run("--kubeconfig=/dev/null", address, trusted, *arguments)
    return done.stderr


def connect(server: ServerProcess, identity: str = "") -> http.client.HTTPSConnection:
    """A connection with this certificate of the cluster, or with none."""
    pki = server.config.pki
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    if identity:
        context.load_cert_chain(pki / f"{identity}.crt", pki / f"{identity}.key")
    return http.client.HTTPSConnection("127.0.0.1", server.config.api_port, context=context, timeout=PATIENCE)


@EVERY_KUBECTL
def test_a_token_of_the_file(server: ServerProcess, binary: Path) -> None:
    admin, role = server.kubectl(binary), f"pods-{binary.name}"
    said = refusal(server, binary, "--token=carols-token", "get", "nodes")
    assert 'User "carol" cannot list resource "nodes"' in said
    admin("create", "clusterrole", role, "--verb=list", "--resource=pods")
    admin("create", "clusterrolebinding", role, f"--clusterrole={role}", "--group=team")
    assert "No resources found" in refusal(server, binary, "--token=carols-token", "get", "pods")
    assert "Unauthorized" in refusal(server, binary, "--token=carols-tokens", "get", "pods")
    admin("delete", "clusterrolebinding", role)


@EVERY_KUBECTL
def test_a_bootstrap_token(server: ServerProcess, binary: Path) -> None:
    admin = server.kubectl(binary, "kube-system")
    admin("apply", "-f", "-", stdin=json.dumps(SECRET))
    token = "--token=07401b.f395accd246ae52d"
    assert 'User "system:bootstrap:07401b" cannot list resource "pods"' in refusal(server, binary, token, "get", "pods")
    admin("delete", "secret", "bootstrap-token-07401b")
    assert "Unauthorized" in refusal(server, binary, token, "get", "pods")


def test_nobody_gets_in_without_credentials(server: ServerProcess) -> None:
    connection = connect(server)
    for path in ("/livez", "/version", "/api/v1/pods", "/nothing"):
        assert exchange(connection, "GET", path).failure == (401, "Unauthorized", "Unauthorized")
    connection.close()


@EVERY_KUBECTL
def test_the_admin_acts_as_others(server: ServerProcess, binary: Path) -> None:
    admin = server.kubectl(binary)
    said = admin.run("--as=system:serviceaccount:default:default", "get", "nodes").stderr
    assert 'User "system:serviceaccount:default:default" cannot list resource "nodes"' in said
    assert admin("--as=root", "--as-group=system:masters", "get", "nodes", "--no-headers") == ""
    assert "without impersonating a user" in admin.run("--as-uid=1", "get", "nodes").stderr.lower()


def test_the_clusters_own_front_proxy_speaks_for_users(server: ServerProcess) -> None:
    connection = connect(server, "front-proxy-client")
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    told = {"X_Remote_User": "dora", "X_Remote_Group": "team"}
    user = exchange(connection, "POST", review, {}, **told).json["status"]["userInfo"]
    assert user == {"username": "dora", "groups": ["team", "system:authenticated"]}
    assert exchange(connection, "POST", review, {}).failure == (401, "Unauthorized", "Unauthorized")
    connection.close()
    assert server.send("POST", review, {}, **told).json["status"]["userInfo"]["username"] == "kubernetes-admin"
