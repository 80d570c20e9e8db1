"""Who gets in, and as whom: certificates, front proxies, tokens, sockets; over TLS, as attackers would come."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from knarr.apiserver.authn.anonymous import Anonymous
from knarr.apiserver.authn.users import User
from knarr.wire.messages import Request, Response
from tests.api.access import bind, role
from tests.api.certificates import Authority, Pair
from tests.api.front import Running, running

JSON = dict[str, Any]
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PODS = "/api/v1/namespaces/default/pods"


async def ask(front: Running, pair: Pair | None, *fields: tuple[str, str], line: str = f"POST {WHO}") -> Response:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    transport = front.transport(pair)
    try:
        return await transport.request(
            Request(method, path, query, {"content-type": "application/json"}, b"{}", repeated=fields)
        )
    finally:
        await transport.close()


async def who(front: Running, pair: Pair | None, *fields: tuple[str, str]) -> Any:
    """The user that a request is from, as itself is told; the status where it is refused."""
    answer = await ask(front, pair, *fields)
    if answer.status != 201:
        return answer.status
    user = json.loads(answer.body)["status"]["userInfo"]
    user.get("extra", {}).pop("authentication.kubernetes.io/credential-id", None)
    return {key: value for key, value in user.items() if value}


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


BOB = {"username": "bob", "groups": ["team", "system:authenticated"]}


async def test_a_certificates_subject_is_the_user(front: Running) -> None:
    assert await who(front, front.authority.issue("bob", "team")) == BOB
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert await who(front, front.authority.issue("bob", "team", usages=usages)) == BOB


async def test_a_certificate_may_say_the_uid(front: Running) -> None:
    assert await who(front, front.authority.issue("bob", "team", uids=["42"])) == {**BOB, "uid": "42"}
    assert await who(front, front.authority.issue("bob", "team", uids=["42", "43"])) == 401


async def test_an_authority_may_have_authorities_below_it(front: Running) -> None:
    below = front.directory / "below"
    below.mkdir()
    clients, proxies = Authority(below, "clients", front.authority), Authority(below, "proxies", front.proxies)
    assert await who(front, clients.issue("bob", "team")) == BOB
    assert (
        await who(front, proxies.issue("front-proxy-client"), ("x-remote-user", "bob"), ("x-remote-group", "team"))
        == BOB
    )
    assert await who(front, proxies.issue("bob", "team")) == 401


async def test_who_is_vouched_for_may_not_vouch_for_others(front: Running) -> None:
    mallory = front.authority.issue("mallory")
    forger = Authority.found(front.directory, mallory.certificate, mallory.key)
    with pytest.raises(ConnectionError):
        await ask(front, forger.issue("root", "system:masters"))


async def test_a_resumed_session_is_the_same_client(front: Running, admin: Pair) -> None:
    context = ssl.create_default_context(cafile=front.authority.file)
    context.load_cert_chain(admin.certificate, admin.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # of 1.3 no tickets are given out

    def visit(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool | None, bytes]:
        connection = socket.create_connection(("127.0.0.1", int(front.url.rpartition(":")[2])))
        with context.wrap_socket(connection, server_hostname="127.0.0.1", session=session) as secured:
            secured.sendall(f"GET {PODS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return secured.session, secured.session_reused, secured.recv(15)

    session, _, _ = await asyncio.to_thread(visit, None)
    assert (await asyncio.to_thread(visit, session))[1:] == (True, b"HTTP/1.1 200 OK")


async def test_a_certificate_without_a_name_is_nobodys(front: Running) -> None:
    assert await who(front, front.authority.issue("", "system:masters")) == 401


@pytest.mark.parametrize(
    "issue",
    [
        pytest.param(lambda front: front.authority.issue("bob", lasts=(-60, -1)), id="expired"),
        pytest.param(lambda front: front.authority.issue("bob", lasts=(60, 120)), id="not valid yet"),
        pytest.param(
            lambda front: front.authority.issue("bob", usages=[ExtendedKeyUsageOID.SERVER_AUTH]), id="for servers alone"
        ),
        pytest.param(lambda front: Authority(front.directory, "other").issue("bob", "system:masters"), id="another's"),
        pytest.param(lambda front: Authority(front.directory / "front-proxy", "ca").issue("bob"), id="a name's twin"),
    ],
)
async def test_a_bad_certificate_does_not_get_through_the_handshake(
    front: Running, issue: Callable[[Running], Pair]
) -> None:
    with pytest.raises(ConnectionError):
        await ask(front, issue(front))


PROXIED = [
    ("X-Remote-User", "jürgen"),
    ("x-remote-uid", "7"),
    ("X-REMOTE-GROUP", "a,b"),
    ("X-Remote-Group", "c"),
    ("X-Remote-Extra-Acme.com%2Fteam", "x"),
]


async def test_a_front_proxy_says_who_it_is(front: Running) -> None:
    proxy = front.proxies.issue("front-proxy-client")
    assert await who(front, proxy, *PROXIED) == {
        "username": "jürgen",
        "uid": "7",
        "groups": ["a,b", "c", "system:authenticated"],
        "extra": {"acme.com/team": ["x"]},
    }


async def test_nobody_else_says_who_it_is(front: Running, admin: Pair) -> None:
    masters = [("x-remote-user", "root"), ("x-remote-group", "system:masters")]
    assert await who(front, front.authority.issue("bob", "team"), *masters) == BOB
    assert await who(front, front.authority.issue("front-proxy-client"), *masters) == {
        "username": "front-proxy-client",
        "groups": ["system:authenticated"],
    }
    assert await who(front, front.proxies.issue("somebody"), *masters) == 401
    assert await who(front, None, *masters) == 403  # nobody, who may not ask who he is


async def test_a_front_proxys_certificate_is_no_users(front: Running) -> None:
    assert await who(front, front.proxies.issue("front-proxy-client", "system:masters")) == 401
    assert await who(front, front.proxies.issue("kubernetes-admin", "system:masters")) == 401
    token = await account_token(front)
    assert (await who(front, front.proxies.issue("front-proxy-client"), bearer(token)))["username"].endswith(":default")


async def test_what_was_said_of_users_goes_no_further(front: Running, admin: Pair) -> None:
    line = "GET /api/v1/nodes/n1/proxy/pods"
    private = [
        ("x-remote-user", "root"),
        ("x-remote-group", "a"),
        ("x-remote-extra-b", "c"),
        ("impersonate-user", "admin"),
    ]
    assert (await ask(front, admin, *private[:3], ("x-mine", "d"), line=line)).status == 200
    token = await account_token(front)
    await role(front, "proxy", "get: nodes/proxy")
    await bind(front, "ClusterRole", "proxy", "ServiceAccount:default/default")
    assert (await ask(front, None, bearer(token), ("x-mine", "d"), line=line)).status == 200
    as_admin = [("impersonate-user", "admin"), ("impersonate-group", "system:masters")]
    assert (await ask(front, admin, *as_admin, ("x-mine", "d"), line=line)).status == 200
    for request in front.kubelet.asked[-3:]:
        assert request.headers["x-mine"] == "d"
        assert not any(name.startswith(("x-remote-", "impersonate-", "authoriz")) for name in request.headers)


async def account_token(front: Running) -> str:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    found: str = (await front.post(path, {"spec": {}}))["status"]["token"]
    return found


@pytest.mark.parametrize(
    "credentials",
    ["Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "Bearer  x", "Negotiate x", "x", "Bearer a.b.c", "bearer ÿ"],
)
async def test_credentials_that_nobody_knows_are_refused(front: Running, credentials: str) -> None:
    assert (await ask(front, None, ("authorization", credentials), line="GET /version")).status == 401


async def bootstrap_token(front: Running, **data: str) -> None:
    """The Secret of the token abcdef.0123456789abcdef, but for what is said otherwise (nothing: without)."""
    good = {
        "token_id": "abcdef",
        "token_secret": "0123456789abcdef",
        "usage_bootstrap_authentication": "true",
        "auth_extra_groups": "system:bootstrappers:kubeadm:default-node-token",
        "expiration": (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    found = {name.replace("_", "-"): value for name, value in {**good, **data}.items() if value}
    kind = found.pop("type", "bootstrap.kubernetes.io/token")
    metadata = {"name": "bootstrap-token-abcdef"}
    await front.post(SECRETS, {"metadata": metadata, "type": kind, "stringData": found})


async def test_a_bootstrap_token_is_a_bootstrappers(front: Running) -> None:
    await bootstrap_token(front)
    assert await who(front, None, bearer("abcdef.0123456789abcdef")) == {
        "username": "system:bootstrap:abcdef",
        "groups": [
            "system:bootstrappers",
            "system:bootstrappers:kubeadm:default-node-token",
            "system:authenticated",
        ],
    }
    review = {"spec": {"token": "abcdef.0123456789abcdef", "audiences": ["vault"]}}
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    assert (await front.post(path, review))["status"] == {"user": {}, "error": "invalid bearer token"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"expiration": "2020-01-01T00:00:00Z"}, id="expired"),
        pytest.param({"expiration": "tomorrow"}, id="an expiration that is no time"),
        pytest.param({"token_secret": "0123456789abcdee"}, id="another secret"),
        pytest.param({"token_id": "abcdee"}, id="another id"),
        pytest.param({"usage_bootstrap_authentication": ""}, id="not for authentication"),
        pytest.param({"usage_bootstrap_authentication": "True"}, id="not quite for authentication"),
        pytest.param({"auth_extra_groups": "system:masters"}, id="other groups"),
        pytest.param({"auth_extra_groups": "system:bootstrappers:a,system:masters"}, id="other groups, too"),
        pytest.param({"type": "Opaque"}, id="another type of Secret"),
    ],
)
async def test_a_bad_bootstrap_token_is_nobodys(front: Running, data: dict[str, str]) -> None:
    await bootstrap_token(front, **data)
    assert await who(front, None, bearer("abcdef.0123456789abcdef")) == 401


async def test_a_bootstrap_token_ends_with_its_secret(front: Running) -> None:
    await bootstrap_token(front)
    await front.send("DELETE", f"{SECRETS}/bootstrap-token-abcdef", {})
    assert await who(front, None, bearer("abcdef.0123456789abcdef")) == 401


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Running]:
    """A front without anonymous access, with a static token."""
    tokens = {"secret": User("carol", "1", ("team",))}
    async with running(tmp_path, anonymous=Anonymous(), bootstrap=False, tokens=tokens) as found:
        yield found


async def test_a_static_token_is_its_lines(strict: Running) -> None:
    carol = {"username": "carol", "uid": "1", "groups": ["team", "system:authenticated"]}
    assert await who(strict, None, bearer("secret")) == carol
    assert await who(strict, None, ("authorization", "bEARER secret more")) == carol
    assert await who(strict, None, bearer("secret2")) == 401
    assert (await who(strict, None, bearer(await account_token(strict))))["username"].endswith(":default")


async def test_what_is_not_asked_for_is_not_believed(strict: Running) -> None:
    await bootstrap_token(strict)
    assert await who(strict, None, bearer("abcdef.0123456789abcdef")) == 401
    for path in ("/version", "/livez", "/api/v1/pods"):
        assert (await ask(strict, None, line=f"GET {path}")).status == 401


def subprotocol(token: str) -> str:
    return f"base64url.bearer.authorization.k8s.io.{base64.urlsafe_b64encode(token.encode()).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("protocols", "status"),
    [
        pytest.param(f"{subprotocol('secret')}, v4.channel.k8s.io", 403, id="a token, which may not"),
        pytest.param(f"v4.channel.k8s.io,{subprotocol('nonsense')}", 401, id="a bad token"),
        pytest.param(f"{subprotocol('secret')}", 401, id="a token alone"),
        pytest.param(f"{subprotocol('secret')}, {subprotocol('secret')}, v4.channel.k8s.io", 401, id="two tokens"),
        pytest.param("base64url.bearer.authorization.k8s.io.c2Vj*, v4.channel.k8s.io", 401, id="no base64"),
        pytest.param("base64url.bearer.authorization.k8s.io._w, v4.channel.k8s.io", 401, id="no text"),
        pytest.param("v4.channel.k8s.io", 401, id="no token"),
    ],
)
async def test_a_sockets_token_is_a_subprotocol(strict: Running, protocols: str, status: int) -> None:
    upgrade = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-protocol", protocols)]
    refused = await ask(strict, None, *upgrade, line=f"GET {PODS}/p/exec?command=ls")
    assert refused.status == status
    if status == 403:
        assert 'User "carol" cannot get resource "pods/exec"' in json.loads(refused.body)["message"]


async def test_a_sockets_token_is_not_passed_on(strict: Running) -> None:
    await strict.running_pod("p", "c")
    await role(strict, "exec", "get create: pods/exec", "default")
    await bind(strict, "Role", "exec", "User:carol", namespace="default")
    protocols = f"{subprotocol('secret')}, v4.channel.k8s.io"
    upgrade = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-protocol", protocols)]
    answer = await ask(strict, None, *upgrade, line=f"GET {PODS}/p/exec?command=ls&stdout=1")
    assert answer.status == 200, answer.body
    assert strict.kubelet.asked[-1].headers["sec-websocket-protocol"] == "v4.channel.k8s.io"
