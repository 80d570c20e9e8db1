from __future__ import annotations

import pytest

from knarr.apiserver.authn.users import ANONYMOUS, AUTHENTICATED, User
from knarr.apiserver.authz.authorizer import Verdict, forbidden
from knarr.apiserver.authz.identities import NamedIdentities
from knarr.apiserver.authz.table import IDENTITIES
from knarr.apiserver.info import parse

AUTHORIZER = NamedIdentities(IDENTITIES)
ADMIN = User("kubernetes-admin", groups=("system:masters", AUTHENTICATED))
BOB = User("bob", groups=(AUTHENTICATED,))
NODE = User("system:node:n1", groups=("system:nodes", AUTHENTICATED))
SCHEDULER = User("system:kube-scheduler", groups=(AUTHENTICATED,))
ACCOUNT = User(
    "system:serviceaccount:shop:default",
    groups=("system:serviceaccounts", "system:serviceaccounts:shop", AUTHENTICATED),
)
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def may(user: User, line: str) -> bool:
    method, path = line.split(" ")
    return AUTHORIZER.authorize(user, parse(method, path)).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("user", "line"),
    [
        pytest.param(ADMIN, "DELETE /api/v1/namespaces/x/secrets", id="the admin may anything"),
        pytest.param(ADMIN, "GET /metrics", id="the admin, any path"),
        pytest.param(ANONYMOUS, "GET /readyz", id="anybody may ask for health"),
        pytest.param(BOB, "GET /apis/apps/v1", id="whoever is known may discover"),
        pytest.param(BOB, "POST /apis/authentication.k8s.io/v1/selfsubjectreviews", id="and ask who it is"),
        pytest.param(NODE, "PATCH /api/v1/nodes/n1/status", id="a node, its own status"),
        pytest.param(NODE, f"PUT {LEASE}/n1", id="a node, its own lease"),
        pytest.param(SCHEDULER, "POST /api/v1/namespaces/x/pods/p/binding", id="the scheduler binds"),
        pytest.param(ACCOUNT, "GET /api/v1/namespaces/shop/pods", id="a service account reads its namespace"),
    ],
)
def test_allowed(user: User, line: str) -> None:
    assert may(user, line)


@pytest.mark.parametrize(
    ("user", "line"),
    [
        pytest.param(ANONYMOUS, "GET /api", id="anonymous discovery"),
        pytest.param(BOB, "GET /api/v1/pods", id="a stranger"),
        pytest.param(BOB, "GET /metrics", id="a stranger, metrics"),
        pytest.param(NODE, "PATCH /api/v1/nodes/n2/status", id="a node, another's status"),
        pytest.param(NODE, f"PUT {LEASE}/n2", id="a node, another's lease"),
        pytest.param(NODE, "DELETE /api/v1/namespaces/x/services/s", id="a node, services"),
        pytest.param(SCHEDULER, "GET /api/v1/secrets", id="the scheduler, secrets"),
        pytest.param(ACCOUNT, "GET /api/v1/namespaces/shop/secrets", id="a service account, secrets"),
        pytest.param(ACCOUNT, "GET /api/v1/namespaces/other/pods", id="a service account, elsewhere"),
        pytest.param(ACCOUNT, "GET /api/v1/pods", id="a service account, everywhere"),
        pytest.param(ACCOUNT, "POST /api/v1/namespaces/shop/pods", id="a service account writes"),
    ],
)
def test_not_allowed(user: User, line: str) -> None:
    assert not may(user, line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            "GET /api/v1/namespaces/default/pods",
            'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
            id="in a namespace",
        ),
        pytest.param(
            "PATCH /apis/apps/v1/namespaces/x/deployments/d/scale",
            'deployments.apps "d" is forbidden: User "bob" cannot patch resource "deployments/scale" in API'
            ' group "apps" in the namespace "x"',
            id="a subresource",
        ),
        pytest.param(
            "GET /api/v1/nodes",
            'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
            id="at the cluster scope",
        ),
        pytest.param("GET /metrics", 'forbidden: User "bob" cannot get path "/metrics"', id="a path"),
    ],
)
def test_the_refusal_is_worded_as_upstream_words_it(line: str, message: str) -> None:
    method, path = line.split(" ")
    error = forbidden(BOB, parse(method, path))
    assert (error.message, error.code, error.reason) == (message, 403, "Forbidden")
