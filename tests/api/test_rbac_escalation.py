"""Nobody gives away what they do not hold."""

from __future__ import annotations

import pytest

from tests.api.access import GROUP, RBAC, Somebody, bind, binding, role
from tests.api.front import Running

ROLES, BINDINGS = f"{RBAC}/namespaces/default/roles", f"{RBAC}/namespaces/default/rolebindings"
SECRETS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]}
PODS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


def not_held(what: str, *lines: str) -> str:
    groups = '(groups=["system:authenticated"])'
    text = f'user "bob" {groups} is attempting to grant RBAC permissions not currently held:'
    return "\n".join([f"{what} is forbidden: {text}", *lines])


@pytest.fixture
async def bob(front: Running) -> Somebody:
    """Somebody who may write roles and bindings in a namespace, and read Pods there."""
    manages = "read write: roles rolebindings in rbac.authorization.k8s.io\nread: pods"
    await role(front, "manager", manages, "default")
    await bind(front, "Role", "manager", "User:bob", namespace="default")
    return Somebody(front, "bob")


async def test_a_role(bob: Somebody) -> None:
    assert (await bob.send(f"POST {ROLES}", {"metadata": {"name": "r"}, "rules": [PODS]}))[0] == 201
    refused = await bob.send(f"POST {ROLES}", {"metadata": {"name": "s"}, "rules": [PODS, SECRETS]})
    line = '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    assert refused == (403, not_held(f'roles.{GROUP} "s"', line))
    assert await bob.send(f"PATCH {ROLES}/r", {"rules": [SECRETS]}) == (403, not_held(f'roles.{GROUP} "r"', line))


async def test_who_may_escalate(front: Running, bob: Somebody) -> None:
    assert (await bob.send(f"POST {ROLES}", {"metadata": {"name": "r"}, "rules": [PODS]}))[0] == 201
    await role(front, "escalator", "escalate: roles in rbac.authorization.k8s.io named r", "default")
    await bind(front, "Role", "escalator", "User:bob", namespace="default")
    assert (await bob.send(f"PATCH {ROLES}/r", {"rules": [SECRETS]}))[0] == 200
    assert (await bob.send(f"POST {ROLES}", {"metadata": {"name": "s"}, "rules": [SECRETS]}))[0] == 403


async def test_the_owners_of_a_role_are_no_rights(front: Running, bob: Somebody) -> None:
    await role(front, "strong", "*: * in *", "default")
    patch = {"metadata": {"finalizers": ["example.com/hold"]}}
    assert (await bob.send(f"PATCH {ROLES}/strong", patch))[0] == 200
    assert (await bob.send(f"PATCH {ROLES}/strong", {"metadata": {"labels": {"a": "b"}}}))[0] == 403


async def test_a_binding(front: Running, bob: Somebody) -> None:
    held = {**binding("Role", "manager", "User:eve"), "metadata": {"name": "also"}}
    assert (await bob.send(f"POST {BINDINGS}", held))[0] == 201
    await role(front, "secrets", "get list: secrets")
    refused = await bob.send(f"POST {BINDINGS}", binding("ClusterRole", "secrets", "User:bob"))
    line = '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    assert refused == (403, not_held(f'rolebindings.{GROUP} "secrets"', line))
    missing = await bob.send(f"POST {BINDINGS}", binding("Role", "none", "User:bob"))
    assert missing == (404, f'roles.{GROUP} "none" not found')


async def test_who_may_bind(front: Running, bob: Somebody) -> None:
    await role(front, "secrets", "get list: secrets")
    await role(front, "binder", "bind: clusterroles in rbac.authorization.k8s.io named secrets", "default")
    await bind(front, "Role", "binder", "User:bob", namespace="default")
    assert (await bob.send(f"POST {BINDINGS}", binding("ClusterRole", "secrets", "User:bob")))[0] == 201
    assert (await bob.send(f"POST {BINDINGS}", binding("ClusterRole", "cluster-admin", "User:bob")))[0] == 403


async def test_a_bindings_role_stays(front: Running, bob: Somebody) -> None:
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"}
    status, message = await Somebody(front, "admin", "system:masters").send(
        f"PATCH {BINDINGS}/manager", {"roleRef": reference}
    )
    assert status == 422
    assert message.endswith("cannot change roleRef")


async def test_gathering_rules_is_the_administrators(front: Running) -> None:
    await role(front, "manager", "read write: clusterroles in rbac.authorization.k8s.io")
    await bind(front, "ClusterRole", "manager", "User:bob")
    body = {
        "metadata": {"name": "all"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
        "rules": [],
    }
    refused = await Somebody(front, "bob").send(f"POST {RBAC}/clusterroles", body)
    why = "must have cluster-admin privileges to use an aggregationRule"
    assert refused == (403, f'clusterroles.{GROUP} "all" is forbidden: {why}')
    everything = {**binding("ClusterRole", "cluster-admin", "User:alice"), "metadata": {"name": "alice"}}
    await front.post(f"{RBAC}/clusterrolebindings", everything)
    assert (await Somebody(front, "alice").send(f"POST {RBAC}/clusterroles", body))[0] == 201
