"""Acting as somebody else: by headers over TLS, and by kubectl."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from knarr.wire.messages import Request, Response
from tests.api.access import RBAC, bind, role
from tests.api.audits import Log, audited
from tests.api.certificates import Pair
from tests.api.front import Running
from tests.kubectl import installed

JSON = dict[str, Any]
KUBECTLS = [installed()[0], installed()[-1]]
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
PODS = "/api/v1/namespaces/default/pods"
AUTHN = "authentication.k8s.io"


async def send(
    front: Running, pair: Pair | None, line: str, *fields: tuple[str, str], body: JSON | None = None
) -> Response:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    transport = front.transport(pair)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return await transport.request(Request(method, path, query, headers, data, repeated=fields))
    finally:
        await transport.close()


async def who(front: Running, pair: Pair, *fields: tuple[str, str]) -> JSON:
    answer = await send(front, pair, f"POST {WHO}", *fields, body={})
    found: JSON = json.loads(answer.body)
    assert answer.status == 201, found
    user: JSON = found["status"]["userInfo"]
    return user


async def message(front: Running, pair: Pair, line: str, *fields: tuple[str, str]) -> tuple[int, str]:
    answer = await send(front, pair, line, *fields)
    return answer.status, json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        pytest.param(
            [("Impersonate-User", "bob")], {"username": "bob", "groups": ["system:authenticated"]}, id="a user"
        ),
        pytest.param(
            [
                ("IMPERSONATE-USER", "bob"),
                ("impersonate-uid", "1"),
                ("Impersonate-GROUP", "a,b"),
                ("impersonate-group", "c"),
            ],
            {"username": "bob", "uid": "1", "groups": ["a,b", "c", "system:authenticated"]},
            id="uid and groups, each line by itself and in odd case",
        ),
        pytest.param(
            [
                ("impersonate-user", "jürgen"),
                ("impersonate-extra-acme.com%2FProject", "x, y"),
                ("impersonate-extra-acme.com%2Fproject", "z"),
                ("impersonate-extra-bad%zz", "w"),
            ],
            {
                "username": "jürgen",
                "groups": ["system:authenticated"],
                "extra": {"acme.com/project": ["x, y", "z"], "bad%zz": ["w"]},
            },
            id="extra",
        ),
        pytest.param(
            [("impersonate-user", "system:serviceaccount:shop:robot")],
            {
                "username": "system:serviceaccount:shop:robot",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
            },
            id="a service account gains its groups",
        ),
        pytest.param(
            [("impersonate-user", "system:serviceaccount:shop:robot"), ("impersonate-group", "a")],
            {"username": "system:serviceaccount:shop:robot", "groups": ["a", "system:authenticated"]},
            id="a service account in other groups",
        ),
        pytest.param(
            [("impersonate-user", "system:node:n1")],
            {"username": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]},
            id="a node gains its group",
        ),
        pytest.param(
            [("impersonate-user", "bob"), ("impersonate-user", "root")],
            {"username": "bob", "groups": ["system:authenticated"]},
            id="the first name counts",
        ),
        pytest.param(
            [("impersonate-user", "")],
            {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
            id="an empty name is none",
        ),
    ],
)
async def test_who_may_do_anything_may_be_anybody(
    front: Running, admin: Pair, fields: list[tuple[str, str]], user: JSON
) -> None:
    found = await who(front, admin, *fields)
    assert {**found, "extra": {k: v for k, v in found.get("extra", {}).items() if "credential-id" not in k}} == {
        "extra": {},
        **user,
    }


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (
            ("impersonate-group", "system:masters"),
            'UID:"", Groups:[]string{"system:masters"}, Extra:map[string][]string(nil)',
        ),
        (("impersonate-uid", "1"), 'UID:"1", Groups:[]string(nil), Extra:map[string][]string(nil)'),
        (("impersonate-extra-a", "b"), 'UID:"", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"b"}}'),
    ],
    ids=["group", "uid", "extra"],
)
async def test_nobody_with_properties_is_a_bad_request(
    front: Running, admin: Pair, field: tuple[str, str], shown: str
) -> None:
    said = f'requested &user.DefaultInfo{{Name:"", {shown}}} without impersonating a user name'
    assert await message(front, admin, f"GET {PODS}", field) == (400, said)


async def test_who_may_not_is_refused(front: Running) -> None:
    mallory = front.authority.issue("mallory")
    may_not = 'pods is forbidden: User "mallory" cannot impersonate-on:user-info:list resource "pods" in API group ""'
    masters = [("impersonate-user", "x"), ("impersonate-group", "system:masters")]
    assert await message(front, mallory, f"GET {PODS}", *masters) == (403, f'{may_not} in the namespace "default"')
    assert (await send(front, mallory, "GET /version", ("impersonate-user", "admin"))).status == 403
    assert (await send(front, None, "GET /version", ("impersonate-user", "admin"))).status == 403


async def test_the_rights_to_each_attribute(front: Running) -> None:
    carol = front.authority.issue("carol")
    rules = ("users named bob", "groups named team", f"userextras/scopes in {AUTHN} named view")
    await role(front, "actor", "\n".join(f"impersonate: {objects}" for objects in rules))
    await bind(front, "ClusterRole", "actor", "User:carol")
    bob = ("impersonate-user", "bob")
    assert (await who(front, carol, bob, ("impersonate-group", "team")))["groups"] == ["team", "system:authenticated"]
    assert (await who(front, carol, bob, ("impersonate-extra-scopes", "view")))["extra"] == {"scopes": ["view"]}
    said = 'is forbidden: User "carol" cannot impersonate resource'
    for more, subject in (
        (("impersonate-group", "system:masters"), f'groups "system:masters" {said} "groups" in API group ""'),
        (("impersonate-uid", "7"), f'uids.{AUTHN} "7" {said} "uids" in API group "{AUTHN}"'),
        (
            ("impersonate-extra-scopes", "edit"),
            f'userextras.{AUTHN} "edit" {said} "userextras/scopes" in API group "{AUTHN}"',
        ),
    ):
        assert await message(front, carol, f"GET {PODS}", bob, more) == (403, f"{subject} at the cluster scope")


async def test_rights_are_those_of_whom_one_acts_as(front: Running, admin: Pair) -> None:
    dora = ("impersonate-user", "dora")
    said = 'pods is forbidden: User "dora" cannot list resource "pods" in API group "" in the namespace "default"'
    assert await message(front, admin, f"GET {PODS}", dora) == (403, said)
    assert (await send(front, admin, f"GET {PODS}/p/exec", dora, ("connection", "Upgrade"))).status == 403
    await role(front, "dora", "read: pods", "default")
    await bind(front, "Role", "dora", "User:dora", namespace="default")
    assert (await send(front, admin, f"GET {PODS}", dora)).status == 200


async def test_a_watch_is_made_as_somebody_else(front: Running, admin: Pair) -> None:
    await role(front, "dora", "watch: pods", "default")
    await bind(front, "Role", "dora", "User:dora", namespace="default")
    transport = front.transport(admin, **{"impersonate-user": "dora"})
    watch = await transport.stream(Request("GET", PODS, "watch=1"))
    assert watch.status == 200
    await front.running_pod("p", "c")
    assert json.loads(await anext(aiter(watch)))["object"]["metadata"]["name"] == "p"
    await watch.close()
    await transport.close()
    assert (await send(front, admin, f"GET {PODS}", ("impersonate-user", "dora"))).status == 403


async def test_a_command_is_run_as_somebody_else(front: Running, admin: Pair) -> None:
    await front.running_pod("p", "c")
    await role(front, "dora", "create: pods/exec", "default")
    await bind(front, "Role", "dora", "User:dora", namespace="default")
    spdy = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v4.channel.k8s.io")]
    line = f"POST {PODS}/p/exec?command=ls"
    for name, status in (("dora", 200), ("eve", 403)):
        assert (await send(front, admin, line, ("impersonate-user", name), *spdy)).status == status
    assert [name for name in front.kubelet.asked[-1].headers if name.startswith("impersonate")] == []


async def test_constrained_impersonation_allows_some_requests_alone(front: Running) -> None:
    eve = front.authority.issue("eve")
    to_be = {
        "verbs": ["impersonate:user-info"],
        "apiGroups": [AUTHN],
        "resources": ["users"],
        "resourceNames": ["frank"],
    }
    to_do = {"verbs": ["impersonate-on:user-info:list"], "apiGroups": [""], "resources": ["pods"]}
    await front.post(f"{RBAC}/clusterroles", {"metadata": {"name": "be-frank"}, "rules": [to_be]})
    await front.post(f"{RBAC}/namespaces/default/roles", {"metadata": {"name": "list-as"}, "rules": [to_do]})
    await role(front, "frank", "read: pods configmaps", "default")
    await bind(front, "ClusterRole", "be-frank", "User:eve")
    await bind(front, "Role", "list-as", "User:eve", namespace="default")
    await bind(front, "Role", "frank", "User:frank", namespace="default")
    frank = ("impersonate-user", "frank")
    assert (await send(front, eve, f"GET {PODS}", frank)).status == 200
    status, said = await message(front, eve, "GET /api/v1/namespaces/default/configmaps", frank)
    assert (status, "cannot impersonate-on:user-info:list" in said) == (403, True)
    status, said = await message(front, eve, f"GET {PODS}", ("impersonate-user", "grace"))
    assert (status, 'users.authentication.k8s.io "grace"' in said) == (403, True)


async def test_the_audit_log_knows_both(tmp_path: Path) -> None:
    async with audited(tmp_path, {"level": "Metadata", "users": ["kubernetes-admin"]}) as front:
        admin = front.authority.issue("kubernetes-admin", "system:masters")
        acting = [("impersonate-user", "bob"), ("impersonate-group", "team"), ("impersonate-uid", "7")]
        assert (await send(front, admin, f"GET {PODS}", *acting)).status == 403
        event = (await Log(tmp_path / "audit.log").eventually(1, stage="ResponseComplete"))[0]
        assert event["user"]["username"] == "kubernetes-admin"
        assert event["impersonatedUser"] == {"username": "bob", "uid": "7", "groups": ["team", "system:authenticated"]}
        assert event["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}
        assert event["responseStatus"]["code"] == 403


@pytest.mark.parametrize("binary", KUBECTLS, ids=lambda path: path.name)
async def test_kubectl_as(front: Running, admin: Pair, binary: Path) -> None:
    await role(front, "team", "read: pods", "default")
    await bind(front, "Role", "team", "Group:team", namespace="default")
    kubectl = front.kubectl(binary, admin)

    def ask() -> tuple[str, str]:
        bob = ("--as=bob", "--as-uid=7", "--as-group=a", "-ndefault", "get", "pods")
        return kubectl.run(*bob).stderr, kubectl("--as-group=team", *bob)

    refused, found = await asyncio.to_thread(ask)
    assert ('User "bob" cannot list resource "pods"' in refused, found) == (True, "")
