"""Who a client is: certificates good and bad, tokens and what they live by, versions of TLS."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.certificates import Authority, Pair
from tests.api.processes import PATIENCE, Reply, ServerProcess, exchange

JSON = dict[str, Any]
MASTERS = "system:masters"
BOUND = [("Pod", "p"), ("Secret", "s")]
UNAUTHORIZED = (401, "Unauthorized", "Unauthorized")


@pytest.fixture
def authority(process: ServerProcess, tmp_path: Path) -> Authority:
    pki = process.config.pki
    return Authority.found(tmp_path, pki / "ca.crt", pki / "ca.key")


def trusting(process: ServerProcess, pair: Pair | None = None) -> ssl.SSLContext:
    """What a client needs: the cluster's authority, and its own certificate where it has one."""
    context = ssl.create_default_context(cafile=str(process.config.pki / "ca.crt"))
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def connect(process: ServerProcess, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", process.config.api_port, context=context, timeout=PATIENCE)


def ask(process: ServerProcess, context: ssl.SSLContext, path: str, **headers: str) -> Reply:
    connection = connect(process, context)
    try:
        return exchange(connection, "GET", path, **headers)
    finally:
        connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)
def test_both_versions_of_tls(process: ServerProcess, authority: Authority, version: ssl.TLSVersion) -> None:
    context = trusting(process, authority.issue("alice", MASTERS))
    context.minimum_version = context.maximum_version = version
    assert ask(process, context, "/api/v1/nodes").status == 200


def test_any_server_name_may_be_asked_for(process: ServerProcess) -> None:
    """Clients behind tunnels and load balancers do."""
    context = trusting(process)
    context.check_hostname = False
    plain = socket.create_connection(("127.0.0.1", process.config.api_port), timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname="somewhere.example") as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: somewhere.example\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("lasts", "alert"),
    [
        pytest.param((-7200, -3600), "CERTIFICATE_EXPIRED", id="expired"),
        pytest.param((3600, 7200), "BAD_CERTIFICATE", id="not yet valid"),
    ],
)
def test_certificates_out_of_their_time_end_the_handshake_with_the_reason(
    process: ServerProcess, authority: Authority, lasts: tuple[float, float], alert: str
) -> None:
    context = trusting(process, authority.issue("alice", MASTERS, lasts=lasts))
    with pytest.raises(ssl.SSLError, match=alert):
        ask(process, context, "/version")


def test_a_certificate_of_another_cluster_ends_the_handshake_with_the_reason(
    process: ServerProcess, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "foreign").issue("kubernetes-admin", MASTERS)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        ask(process, trusting(process, foreign), "/version")


def test_kubectl_says_why(process: ServerProcess, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "foreign").issue("kubernetes-admin", MASTERS)
    server = f"--server=https://127.0.0.1:{process.config.api_port}"
    trusted = f"--certificate-authority={process.config.pki / 'ca.crt'}"
    files = [f"--client-certificate={foreign.certificate}", f"--client-key={foreign.key}"]
    failed = process.kubectl().run("--kubeconfig=/dev/null", server, trusted, *files, "get", "pods")
    assert "tls: unknown certificate authority" in failed.stderr


def test_a_certificate_that_expires_on_a_connection_stops_counting(
    process: ServerProcess, authority: Authority
) -> None:
    connection = connect(process, trusting(process, authority.issue("alice", MASTERS, lasts=(-60, 2))))
    assert exchange(connection, "GET", "/api/v1/nodes").status == 200
    time.sleep(2.1)
    assert exchange(connection, "GET", "/api/v1/nodes").failure == UNAUTHORIZED
    connection.close()


def test_a_stranger_is_forbidden_by_name(process: ServerProcess, authority: Authority) -> None:
    refused = ask(process, trusting(process, authority.issue("bob", "builders")), "/apis/apps/v1/deployments")
    text = 'User "bob" cannot list resource "deployments" in API group "apps" at the cluster scope'
    assert refused.failure == (403, "Forbidden", f"deployments.apps is forbidden: {text}")
    assert refused.json["details"] == {"group": "apps", "kind": "deployments"}


@pytest.mark.parametrize(
    "credentials",
    ["Bearer nonsense", "Bearer", "Bearer a.b.c", "Basic YWRtaW46YWRtaW4=", "Negotiate x", f"Bearer {'a' * 100_000}"],
    ids=["no token", "empty", "three parts", "password", "unknown scheme", "long"],
)
def test_bad_credentials_are_refused_even_where_none_are_needed(process: ServerProcess, credentials: str) -> None:
    assert ask(process, trusting(process), "/version", authorization=credentials).failure == UNAUTHORIZED
    assert ask(process, trusting(process), "/version").status == 200


class Account:
    """A service account of a namespace, and requests with its tokens."""

    def __init__(self, process: ServerProcess, namespace: str) -> None:
        self._process = process
        self.namespace = f"/api/v1/namespaces/{namespace}"

    def request(self, **spec: Any) -> Reply:
        return self._process.send("POST", f"{self.namespace}/serviceaccounts/default/token", {"spec": spec})

    def token(self, **spec: Any) -> str:
        made = self.request(**spec)
        assert made.status == 201, made.body
        return str(made.json["status"]["token"])

    def status(self, token: str) -> int:
        """What a list of Pods with this token is answered."""
        headers = {"authorization": f"Bearer {token}"}
        return ask(self._process, trusting(self._process), f"{self.namespace}/pods", **headers).status


@pytest.fixture
def account(process: ServerProcess, namespace: str) -> Account:
    """One that may read Pods, and its namespace."""
    rules = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["namespaces", "pods"]}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    binding = {"roleRef": reference, "subjects": [{"kind": "ServiceAccount", "name": "default"}]}
    for plural, content in (("roles", {"rules": rules}), ("rolebindings", binding)):
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/{plural}"
        assert process.send("POST", path, {"metadata": {"name": "reader"}, **content}).status == 201
    return Account(process, namespace)


def test_a_token_is_its_accounts_and_no_more(process: ServerProcess, account: Account, namespace: str) -> None:
    token = account.token()
    assert account.status(token) == 200
    headers = {"authorization": f"Bearer {token}"}
    name = f"system:serviceaccount:{namespace}:default"
    refused = ask(process, trusting(process), f"{account.namespace}/secrets", **headers)
    where = f'User "{name}" cannot list resource "secrets" in API group "" in the namespace "{namespace}"'
    assert refused.failure == (403, "Forbidden", f"secrets is forbidden: {where}")
    inside = f"{account.namespace}/namespaces/kube-system"  # judged as this namespace's, it must not be that one
    assert ask(process, trusting(process), inside, **headers).status == 404
    assert ask(process, trusting(process), "/api/v1/namespaces/kube-system/pods", **headers).status == 403


def test_tokens_for_other_audiences_or_changed_ones_are_nobodys(account: Account) -> None:
    token = account.token()
    head, claims, signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    more = json.loads(base64.urlsafe_b64decode(claims + "=="))
    more["exp"] += 1_000_000
    longer = base64.urlsafe_b64encode(json.dumps(more).encode()).rstrip(b"=").decode()
    forged = [f"{unsigned}.{claims}.", f"{head}.{longer}.{signature}", f"{head}.{claims}.{signature[::-1]}"]
    assert {account.status(bad) for bad in (account.token(audiences=["vault"]), *forged)} == {401}


def test_tokens_live_as_long_as_what_they_are_bound_to(process: ServerProcess, account: Account) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    secret = {"metadata": {"name": "s"}}
    for plural, tree in (("pods", pod), ("secrets", secret)):
        assert process.send("POST", f"{account.namespace}/{plural}", tree).status == 201
    tokens = [account.token(boundObjectRef={"apiVersion": "v1", "kind": k, "name": n}) for k, n in BOUND]
    assert [account.status(token) for token in tokens] == [200, 200]
    for plural, name in (("pods", "p?gracePeriodSeconds=0"), ("secrets", "s")):
        assert process.send("DELETE", f"{account.namespace}/{plural}/{name}").status == 200
    assert [account.status(token) for token in tokens] == [401, 401]


def test_tokens_end_with_their_account(process: ServerProcess, account: Account) -> None:
    token = account.token()
    assert account.status(token) == 200
    assert process.send("DELETE", f"{account.namespace}/serviceaccounts/default").status == 200
    assert account.status(token) == 401


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"expirationSeconds": 10}, (422, "Invalid"), id="too short"),
        pytest.param({"expirationSeconds": 1 << 33}, (422, "Invalid"), id="too long"),
        pytest.param({"audiences": "one"}, (400, "BadRequest"), id="wrong type"),
        pytest.param({"boundObjectRef": {"kind": "Pod", "name": "p"}}, (404, "NotFound"), id="bound to nothing"),
        pytest.param({"boundObjectRef": {"kind": "Job", "name": "p"}}, (400, "BadRequest"), id="bound to a Job"),
    ],
)
def test_requests_for_tokens_that_are_refused(account: Account, spec: JSON, expected: tuple[int, str]) -> None:
    assert account.request(**spec).failure[:2] == expected
