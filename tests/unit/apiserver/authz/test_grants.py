"""The index of bindings: filed by subject, and filed anew."""

from __future__ import annotations

from typing import Any

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Verdict
from knarr.apiserver.authz.grants import Grants

BOB, ROBOT = User("bob", groups=("builders",)), User("system:serviceaccount:shop:robot")


def binding(name: str, *subjects: tuple[str, str], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    trees = [{"kind": kind, "name": called} for kind, called in subjects]
    return {"metadata": metadata, "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": trees}


def held(grants: Grants, user: User, namespace: str = "") -> list[str]:
    return [grant.role for grant in grants.of(user, namespace)]


def test_bindings_are_found_by_user_group_and_account() -> None:
    grants = Grants()
    grants.put("a", "everywhere", binding("a", ("User", "bob")))
    grants.put("b", "here", binding("b", ("Group", "builders"), ("ServiceAccount", "robot"), namespace="shop"))
    assert held(grants, BOB) == ["everywhere"]
    assert held(grants, BOB, "shop") == ["everywhere", "here"]
    assert held(grants, BOB, "other") == ["everywhere"]
    assert held(grants, ROBOT, "shop") == ["here"]


def test_a_binding_is_filed_anew_and_forgotten() -> None:
    grants = Grants()
    grants.put("a", "one", binding("a", ("User", "bob"), ("User", "eve"), namespace="shop"))
    grants.put("a", "two", binding("a", ("User", "bob"), namespace="shop"))
    assert (held(grants, BOB, "shop"), held(grants, User("eve"), "shop")) == (["two"], [])
    grants.drop("a")
    grants.drop("a")
    assert held(grants, BOB, "shop") == []


def test_an_account_without_a_namespace_is_nobody_outside_of_one() -> None:
    grants = Grants()
    grants.put("a", "r", binding("a", ("ServiceAccount", "robot")))
    assert held(grants, ROBOT) == []


def test_a_grant_says_why() -> None:
    grants = Grants()
    grants.put("a", "r", binding("a", ("Group", "builders")))
    (grant,) = grants.of(BOB, "")
    assert grant.allowed.verdict is Verdict.ALLOW
    assert grant.allowed.reason == 'RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "r" to Group "builders"'
