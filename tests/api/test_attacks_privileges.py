"""The administrator of a namespace, and those who may edit or view it, on every way to more that leads past the roles
and bindings that kubectl writes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from knarr.apiserver.authn.users import NODE_NAME
from knarr.wire.messages import Request
from tests.api.access import GROUP, NS, RBAC, Somebody, bind
from tests.api.front import NODE, Running, running

JSON = dict[str, Any]
SYSTEM = "/api/v1/namespaces/kube-system"
ROLES, BINDINGS = f"{RBAC}/namespaces/default/roles", f"{RBAC}/namespaces/default/rolebindings"
AUTHORIZATION, REQUESTS = "/apis/authorization.k8s.io/v1", "/apis/certificates.k8s.io/v1/certificatesigningrequests"
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
MASTER = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
POD = {"metadata": {"name": "new"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="front")
async def _front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One for all: what is attempted changes nothing."""
    async with running(tmp_path_factory.mktemp("front")) as front:
        for part, holders in (("admin", ["admin"]), ("edit", ["admin", "edit"]), ("view", ["admin", "edit", "view"])):
            role = f"system:aggregate-to-{part}"  # what the controller gathers into the role of that name
            await bind(front, "ClusterRole", role, *(f"User:{name}" for name in holders), namespace="default")
        for place in (NS, SYSTEM):
            await front.post(f"{place}/serviceaccounts", {"metadata": {"name": "other"}})
            await front.post(f"{place}/secrets", {"metadata": {"name": "s"}})
        await front.running_pod("p", "a")
        await front.post(f"{NS}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "9"}}})
        await front.post(ROLES, {"metadata": {"name": "strong"}, "rules": [EVERYTHING]})
        await front.post(ROLES, {"metadata": {"name": "weak"}, "rules": []})
        reference = {"apiGroup": GROUP, "kind": "Role", "name": "weak"}
        await front.post(BINDINGS, {"metadata": {"name": "weak"}, "roleRef": reference})
        strong = {"metadata": {"name": "strong"}, "roleRef": {**reference, "name": "strong"}}
        await front.post(BINDINGS, strong)
        yield front


SUBJECT = [{"kind": "User", "apiGroup": GROUP, "name": "admin"}]
APPLY, JSON_PATCH = "application/apply-patch+yaml", "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
HEADER = {"apiVersion": f"{GROUP}/v1", "metadata": {"name": "weak"}}
NEW, STRONG = {**HEADER, "metadata": {"name": "new"}}, {**HEADER, "metadata": {"name": "strong"}}
ESCALATIONS: list[tuple[str, str, Any]] = [
    (f"PATCH {ROLES}/weak?fieldManager=m&force=true", APPLY, {**HEADER, "kind": "Role", "rules": [EVERYTHING]}),
    (f"PATCH {ROLES}/new?fieldManager=m", APPLY, {**NEW, "kind": "Role", "rules": [EVERYTHING]}),
    (f"PATCH {ROLES}/weak", JSON_PATCH, [{"op": "add", "path": "/rules", "value": [EVERYTHING]}]),
    (f"PATCH {ROLES}/weak", JSON_PATCH, [{"op": "replace", "path": "", "value": {**HEADER, "rules": [EVERYTHING]}}]),
    (f"PATCH {ROLES}/weak", STRATEGIC, {"rules": [EVERYTHING]}),
    (f"PUT {ROLES}/weak", "application/json", {**HEADER, "rules": [EVERYTHING]}),
    (f"PATCH {ROLES}/strong", STRATEGIC, {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {ROLES}/weak?dryRun=All", STRATEGIC, {"rules": [EVERYTHING]}),
    (f"PATCH {BINDINGS}/strong", STRATEGIC, {"subjects": SUBJECT}),
    (f"PATCH {BINDINGS}/strong", JSON_PATCH, [{"op": "add", "path": "/subjects", "value": SUBJECT}]),
    (
        f"PATCH {BINDINGS}/strong?fieldManager=m&force=true",
        APPLY,
        {**STRONG, "kind": "RoleBinding", "subjects": SUBJECT},
    ),
    (
        f"PATCH {BINDINGS}/new?fieldManager=m",
        APPLY,
        {**NEW, "kind": "RoleBinding", "roleRef": MASTER, "subjects": SUBJECT},
    ),
    (f"PATCH {BINDINGS}/weak", STRATEGIC, {"roleRef": MASTER, "subjects": SUBJECT}),
    (f"POST {BINDINGS}", "application/json", {"metadata": {"name": "new"}, "roleRef": MASTER, "subjects": SUBJECT}),
    (f"POST {BINDINGS}", "application/json", {"metadata": {"generateName": "n"}, "roleRef": MASTER}),
    (
        f"POST {BINDINGS}",
        "application/json",
        {**NEW, "roleRef": {**MASTER, "name": "system:node"}},
    ),
]


@pytest.mark.parametrize(("line", "sort", "body"), ESCALATIONS, ids=range(len(ESCALATIONS)))
async def test_no_form_of_a_write_gives_more(front: Running, line: str, sort: str, body: Any) -> None:
    status, message = await Somebody(front, "admin").send(line, body, sort)
    assert (status, "attempting to grant RBAC permissions not currently held" in message) == (403, True), message


NOT_THE_ADMINISTRATORS: list[tuple[str, JSON | None]] = [
    (f"POST {NS}/pods/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": NODE}}),
    (f"POST {NS}/bindings", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": NODE}}),
    (f"PATCH {NS}/pods/p/status", {"status": {"podIP": "10.0.0.1"}}),
    (f"PATCH {NS}/pods/p/ephemeralcontainers", {"spec": {"ephemeralContainers": []}}),
    (f"PATCH {NS}/services/s/status", {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
    (f"POST {NS}/endpoints", {"metadata": {"name": "e"}}),
    ("POST /apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {"metadata": {"name": "e"}}),
    (f"PATCH {NS}/resourcequotas/q", {"spec": {"hard": {"pods": "999"}}}),
    (f"DELETE {NS}/resourcequotas/q", None),
    (f"PATCH {NS}/resourcequotas/q/status", {"status": {"used": {"pods": "0"}}}),
    (f"POST {NS}/limitranges", {"metadata": {"name": "l"}}),
    (f"PATCH {NS}", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}),
    (f"PATCH {NS}/status", {"status": {"phase": "Active"}}),
    (f"PUT {NS}/finalize", {"metadata": {"name": "default"}, "spec": {"finalizers": []}}),
    (f"DELETE {NS}", None),
    ("GET /api/v1/namespaces", None),
    ("GET /api/v1/secrets", None),
    ("GET /api/v1/secrets?fieldSelector=metadata.namespace%3Ddefault", None),
    (f"GET {SYSTEM}/secrets/s", None),
    (f"GET {SYSTEM}/configmaps/extension-apiserver-authentication", None),
    (f"POST {SYSTEM}/secrets", {"metadata": {"name": "bootstrap-token-abcdef"}}),
    (f"POST {SYSTEM}/serviceaccounts/other/token", {"spec": {}}),
    (f"POST {SYSTEM}/pods", POD),
    (f"GET /api/v1/nodes/{NODE}/proxy/pods", None),
    (f"GET /api/v1/nodes/{NODE}", None),
    (f"POST {REQUESTS}", {"metadata": {"name": "r"}, "spec": {"signerName": "kubernetes.io/kube-apiserver-client"}}),
    (f"PUT {REQUESTS}/r/approval", {"metadata": {"name": "r"}}),
    ("POST /apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "x"}}),
    (f"POST {AUTHORIZATION}/subjectaccessreviews", {"spec": {"user": "root", "resourceAttributes": {"verb": "get"}}}),
    (f"POST {AUTHORIZATION}/namespaces/kube-system/localsubjectaccessreviews", {"spec": {}}),
    ("POST /apis/apiregistration.k8s.io/v1/apiservices", {"metadata": {"name": "v1.x"}}),
    ("POST /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {"metadata": {"name": "v"}}),
    ("POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "a.b"}}),
    ("POST /apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "p"}, "value": 1}),
    ("POST /api/v1/persistentvolumes", {"metadata": {"name": "p"}}),
    ("GET /metrics", None),
    ("GET /debug/api_priority_and_fairness/dump_requests", None),
    ("GET /flagz", None),
]


@pytest.mark.parametrize(("line", "body"), NOT_THE_ADMINISTRATORS, ids=[line for line, _ in NOT_THE_ADMINISTRATORS])
async def test_what_is_not_a_namespaces_administrators(front: Running, line: str, body: JSON | None) -> None:
    for name in ("admin", "edit", "view"):
        assert (await Somebody(front, name).send(line, body))[0] == 403, name


async def test_a_review_in_one_namespace_is_of_that_namespace(front: Running) -> None:
    asked = {"spec": {"user": "root", "resourceAttributes": {"verb": "get", "namespace": "kube-system"}}}
    path = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
    assert (await Somebody(front, "admin").send(f"POST {path}", asked))[0] == 422
    asked = {"spec": {"user": "root", "nonResourceAttributes": {"verb": "get", "path": "/metrics"}}}
    assert (await Somebody(front, "admin").send(f"POST {path}", asked))[0] == 422


VIEWERS = [
    f"GET {NS}/secrets/s",
    f"GET {NS}/secrets",
    f"POST {NS}/serviceaccounts/other/token",
    f"GET {NS}/pods/p/exec?command=sh",
    f"POST {NS}/pods/p/exec?command=sh",
    f"GET {NS}/pods/p/attach",
    f"GET {NS}/pods/p/portforward?ports=1",
    f"GET {NS}/pods/p/proxy/",
    f"GET {NS}/services/s/proxy/",
    f"GET {ROLES}",
    f"POST {NS}/pods/p/eviction",
    f"PATCH {NS}/pods/p",
    f"DELETE {NS}/pods",
]


@pytest.mark.parametrize("line", VIEWERS)
async def test_who_may_view_sees_no_secrets_and_enters_nothing(front: Running, line: str) -> None:
    assert (await Somebody(front, "view").send(line, {} if line.startswith(("POST", "PATCH")) else None))[0] == 403


@pytest.mark.parametrize("name", ["edit", "view"])
async def test_who_may_edit_gives_nothing_away(front: Running, name: str) -> None:
    for line in (f"GET {ROLES}", f"POST {ROLES}", f"POST {BINDINGS}", f"DELETE {BINDINGS}/weak"):
        assert (await Somebody(front, name).send(line, {} if line.startswith("POST") else None))[0] == 403, line


ELSEWHERE = "system:serviceaccounts:kube-system"
OWN = "system:serviceaccount:default:other"
OTHERS: dict[str, dict[str, str]] = {
    "another namespace's account": {"impersonate-user": "system:serviceaccount:kube-system:other"},
    "an account that is none": {"impersonate-user": "system:serviceaccount:default:other:x"},
    "an account of a namespace in capitals": {"impersonate-user": "system:serviceaccount:DEFAULT:other"},
    "a user": {"impersonate-user": "eve"},
    "nobody": {"impersonate-user": "system:anonymous"},
    "a node": {"impersonate-user": f"system:node:{NODE}", "impersonate-group": "system:nodes"},
    "its account as a master": {"impersonate-user": OWN, "impersonate-group": "system:masters"},
    "its account in another's group": {"impersonate-user": OWN, "impersonate-group": ELSEWHERE},
    "its account with a uid": {"impersonate-user": OWN, "impersonate-uid": "x"},
    "its account with extra": {"impersonate-user": OWN, f"impersonate-extra-{NODE_NAME.replace('/', '%2f')}": NODE},
}


@pytest.mark.parametrize("fields", OTHERS.values(), ids=OTHERS)
async def test_an_administrator_acts_as_no_more_than_its_accounts(front: Running, fields: dict[str, str]) -> None:
    transport = front.transport(front.authority.issue("admin"))
    try:
        answer = await transport.request(Request("GET", f"{NS}/pods", "", fields))
        assert (answer.status, json.loads(answer.body)["reason"]) == (403, "Forbidden")
    finally:
        await transport.close()
