"""Roles and bindings decide: over the chain, in the names of users, groups and service accounts."""

from __future__ import annotations

import json

import pytest

from knarr.apiserver.authn.users import ACCOUNTS, account_name
from knarr.apiserver.authz.reconciling import ensure_policy
from knarr.storage.store import Write
from tests.api.access import GROUP, NS, RBAC, Somebody, bind, binding, role
from tests.api.front import NODE, Running

ELSEWHERE = "/api/v1/namespaces/kube-system"
UNREADABLE = (
    b"{",
    b"[]",
    b"{}",
    b'{"metadata":{"name":"x","namespace":"default"},"roleRef":{"kind":"Rolle","name":"r"},'
    b'"subjects":[1,{"kind":"User","name":"alice"}]}',
)


def forbidden(what: str, verb: str, namespace: str = "default", user: str = "bob") -> str:
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    return f'{what} is forbidden: User "{user}" cannot {verb} resource "{what}" in API group "" {where}'


async def test_a_stranger_may_discover_and_ask_who_it_is(front: Running) -> None:
    bob = Somebody(front, "bob")
    assert (await bob.send("GET /apis/apps/v1"))[0] == 200
    assert (await bob.send("GET /version"))[0] == 200
    assert (await bob.send("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", {}))[0] == 201
    assert await bob.send(f"GET {NS}/pods") == (403, forbidden("pods", "list"))
    assert await bob.send("GET /metrics") == (403, 'forbidden: User "bob" cannot get path "/metrics"')


async def test_a_role_in_its_namespace(front: Running) -> None:
    bob = Somebody(front, "bob")
    await role(front, "reader", "read: pods", "default")
    await bind(front, "Role", "reader", "User:bob", namespace="default")
    assert (await bob.send(f"GET {NS}/pods"))[0] == 200
    assert await bob.send(f"GET {ELSEWHERE}/pods") == (403, forbidden("pods", "list", "kube-system"))
    assert await bob.send("GET /api/v1/pods") == (403, forbidden("pods", "list", ""))
    assert (await bob.send(f"DELETE {NS}/pods/p"))[0] == 403


async def test_a_cluster_role_here_and_everywhere(front: Running) -> None:
    await role(front, "reader", "read: pods nodes")
    await bind(front, "ClusterRole", "reader", "User:bob", namespace="default")
    bob, alice = Somebody(front, "bob"), Somebody(front, "alice", "auditors")
    assert [(await bob.send(f"GET {path}"))[0] for path in (f"{NS}/pods", "/api/v1/nodes")] == [200, 403]
    await bind(front, "ClusterRole", "reader", "Group:auditors")
    assert [(await alice.send(f"GET {path}"))[0] for path in (f"{NS}/pods", "/api/v1/nodes")] == [200, 200]


async def test_a_service_account_of_the_bindings_namespace_or_of_the_one_it_names(front: Running) -> None:
    await role(front, "reader", "read: pods", "default")
    await bind(front, "Role", "reader", "ServiceAccount:robot", "ServiceAccount:shop/robot", namespace="default")
    for namespace, status in (("default", 200), ("shop", 200), ("other", 403)):
        robot = Somebody(front, account_name(namespace, "robot"), ACCOUNTS)
        assert (await robot.send(f"GET {NS}/pods"))[0] == status


async def test_every_change_counts_at_once(front: Running) -> None:
    bob = Somebody(front, "bob")
    await bind(front, "Role", "reader", "User:bob", namespace="default")
    missing = f'role.{GROUP} "reader" not found'
    assert await bob.send(f"GET {NS}/pods") == (403, f"{forbidden('pods', 'list')}: RBAC: {missing}")
    await role(front, "reader", "read: pods", "default")
    assert (await bob.send(f"GET {NS}/pods"))[0] == 200
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    await front.send("PATCH", f"{RBAC}/namespaces/default/roles/reader", {"rules": rules})
    assert (await bob.send(f"GET {NS}/pods"))[0] == 403
    assert (await bob.send(f"GET {NS}/pods/p"))[0] == 404
    subjects = {"subjects": [{"kind": "User", "apiGroup": GROUP, "name": "alice"}]}
    await front.send("PATCH", f"{RBAC}/namespaces/default/rolebindings/reader", subjects)
    assert [(await Somebody(front, who).send(f"GET {NS}/pods/p"))[0] for who in ("bob", "alice")] == [403, 404]
    await front.send("DELETE", f"{RBAC}/namespaces/default/rolebindings/reader", {})
    assert (await Somebody(front, "alice").send(f"GET {NS}/pods/p"))[0] == 403


async def test_all_that_cannot_be_resolved_is_said(front: Running) -> None:
    await bind(front, "Role", "a", "User:bob", namespace="default")
    await bind(front, "ClusterRole", "b", "User:bob")
    errors = f'[clusterrole.{GROUP} "b" not found, role.{GROUP} "a" not found]'
    refused = await Somebody(front, "bob").send(f"GET {NS}/pods")
    assert refused == (403, f"{forbidden('pods', 'list')}: RBAC: {errors}")


async def test_what_others_have_stored_and_cannot_be_read_is_nobodys_trouble(front: Running) -> None:
    await role(front, "reader", "read: pods", "default")
    await bind(front, "Role", "reader", "User:bob", namespace="default")
    await front.registry.commit([Write(f"/registry/rolebindings/default/{n}", v) for n, v in enumerate(UNREADABLE)])
    bob, alice = Somebody(front, "bob"), Somebody(front, "alice")
    assert (await bob.send(f"GET {NS}/pods"))[0] == 200
    why = 'RBAC: unsupported role reference kind: "Rolle"'
    assert await alice.send(f"GET {NS}/pods") == (403, f"{forbidden('pods', 'list', user='alice')}: {why}")


async def test_namespaces_are_read_by_roles_within(front: Running) -> None:
    await role(front, "here", "get: namespaces", "default")
    await bind(front, "Role", "here", "User:bob", namespace="default")
    bob = Somebody(front, "bob")
    assert [(await bob.send(f"GET {path}"))[0] for path in (NS, ELSEWHERE, "/api/v1/namespaces")] == [200, 403, 403]


async def test_reviews_give_the_reason(front: Running) -> None:
    await role(front, "reader", "read: pods", "default")
    await bind(front, "Role", "reader", "User:bob", "ServiceAccount:robot", namespace="default")
    asked = {"verb": "get", "resource": "pods", "namespace": "default"}
    reasons = []
    for who in ("bob", account_name("default", "robot")):
        body = {"spec": {"user": who, "resourceAttributes": asked}}
        made = await front.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        assert made["status"]["allowed"]
        reasons.append(made["status"]["reason"])
    by = 'RBAC: allowed by RoleBinding "reader/default" of Role "reader" to'
    assert reasons == [f'{by} User "bob"', f'{by} ServiceAccount "robot/default"']


@pytest.mark.parametrize(
    ("selector", "field", "message"),
    [
        ({}, "requirements", "Required value: when {path} is specified, requirements or rawSelector is required"),
        (
            {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "Exists"}]},
            "rawSelector",
            'Invalid value: "a=b": may not specified at the same time as requirements',
        ),
        ({"requirements": [{"operator": "Exists"}]}, "requirements[0].key", "Required value: must be specified"),
        (
            {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            "requirements[0].values",
            "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ],
    ids=["neither", "both", "no key", "values of Exists"],
)
@pytest.mark.parametrize("name", ["fieldSelector", "labelSelector"])
async def test_selectors_that_cannot_be_asked_about(
    front: Running, name: str, selector: dict[str, object], field: str, message: str
) -> None:
    path = f"spec.resourceAttributes.{name}"
    body = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods", name: selector}}}
    answer = await Somebody(front, "bob").ask("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    causes = json.loads(answer.body)["details"]["causes"]
    assert (answer.status, causes[0]["field"]) == (422, f"{path}.{field}")
    assert causes[0]["message"] == message.format(path=path)


async def test_a_list_by_selectors_is_asked_about(front: Running) -> None:
    body = {
        "spec": {
            "user": f"system:node:{NODE}",
            "groups": ["system:nodes"],
            "resourceAttributes": {
                "verb": "list",
                "resource": "pods",
                "fieldSelector": {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": [NODE]}]},
                "labelSelector": {"rawSelector": "app=x"},
            },
        }
    }
    made = await front.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    assert made["status"] == {"allowed": True}


@pytest.mark.parametrize(
    ("selector", "lost"),
    [
        pytest.param({"rawSelector": "("}, "ignored", id="nonsense"),
        pytest.param({"requirements": [{"key": "/", "operator": "NotIn", "values": ["a", "b"]}]}, "ignored", id="all"),
        pytest.param(
            {
                "requirements": [
                    {"key": "a", "operator": "In", "values": ["b"]},
                    {"key": "/", "operator": "NotIn", "values": ["a", "b"]},
                ]
            },
            "partially ignored",
            id="one of two",
        ),
    ],
)
@pytest.mark.parametrize("name", ["fieldSelector", "labelSelector"])
async def test_selectors_that_nobody_understands(
    front: Running, name: str, selector: dict[str, object], lost: str
) -> None:
    body = {"spec": {"user": "bob", "resourceAttributes": {"verb": "list", "resource": "pods", name: selector}}}
    made = await front.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    error = f"spec.resourceAttributes.{name} {lost} due to parse error"
    assert made["status"] == {"allowed": False, "evaluationError": error}


async def test_what_i_may(front: Running) -> None:
    await role(front, "reader", "read: pods\nget: secrets named s", "default")
    await bind(front, "Role", "reader", "User:bob", namespace="default")
    await bind(front, "Role", "gone", "User:bob", namespace="default")
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = await Somebody(front, "bob").ask(f"POST {path}", {"spec": {"namespace": "default"}})
    status = json.loads(answer.body)["status"]
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["s"]} in status[
        "resourceRules"
    ]
    assert any("/openapi/*" in found["nonResourceURLs"] for found in status["nonResourceRules"])
    assert (status["incomplete"], status["evaluationError"]) == (False, f'role.{GROUP} "gone" not found')


async def test_the_defaults_are_there_and_stay_as_they_are(front: Running) -> None:
    registry = front.registry
    before = registry.cache.revision
    await ensure_policy(registry)
    assert registry.cache.revision == before
    view = await front.send("GET", f"{RBAC}/clusterroles/system:aggregate-to-view", {})
    assert view["metadata"]["annotations"] == {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    assert view["metadata"]["uid"]


async def test_what_is_taken_from_the_defaults_comes_back_and_what_is_added_stays(front: Running) -> None:
    own = {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}
    roles, bindings = f"{RBAC}/clusterroles", f"{RBAC}/clusterrolebindings"
    await front.send("PATCH", f"{roles}/system:kube-dns", {"rules": [own], "metadata": {"labels": None}})
    await front.send("DELETE", f"{roles}/system:heapster", {})
    subject = {"kind": "User", "apiGroup": GROUP, "name": "bob"}
    await front.send("PATCH", f"{bindings}/system:monitoring", {"subjects": [subject]})
    await front.send("DELETE", f"{bindings}/system:discovery", {})
    await front.post(bindings, binding("ClusterRole", "view", "User:bob") | {"metadata": {"name": "system:discovery"}})
    kept = {"metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}, "rules": [own]}
    await front.send("PATCH", f"{roles}/system:kube-aggregator", kept)
    await ensure_policy(front.registry)
    found = await front.send("GET", f"{roles}/system:kube-dns", {})
    assert found["metadata"]["labels"] == {"kubernetes.io/bootstrapping": "rbac-defaults"}
    assert found["rules"][0] == own
    assert {resource for rule in found["rules"][1:] for resource in rule["resources"]} == {"endpoints", "services"}
    assert (await front.send("GET", f"{roles}/system:heapster", {}))["rules"]
    names = [s["name"] for s in (await front.send("GET", f"{bindings}/system:monitoring", {}))["subjects"]]
    assert names == ["bob", "system:monitoring"]
    assert (await front.send("GET", f"{bindings}/system:discovery", {}))["roleRef"]["name"] == "system:discovery"
    assert (await front.send("GET", f"{roles}/system:kube-aggregator", {}))["rules"] == [own]
