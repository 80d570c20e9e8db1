"""Ways around authorization by paths, methods and heads: each ends as upstream's would, and never at an object."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from knarr.wire.tls import client_context
from tests.api.access import bind, role
from tests.api.front import Running, running

PASSWORD = "hunter2"
ENCODED = b64encode(PASSWORD.encode())
NS = "/api/v1/namespaces"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Sender:
    """Requests of a user, byte by byte."""

    def __init__(self, front: Running, name: str, *groups: str) -> None:
        pair = front.authority.issue(name, *groups)
        self._tls = client_context(front.authority.file, pair.certificate, pair.key)
        self._port = int(front.url.rpartition(":")[2])

    async def send(self, data: bytes, patience: float = 10.0) -> bytes:
        """All that is answered, until the server hangs up or, to a watch, `patience` seconds are over."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        found = bytearray()
        try:
            writer.write(data)
            async with asyncio.timeout(patience):
                while part := await reader.read(65536):
                    found += part
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.transport.abort()
        return bytes(found)

    async def ask(self, line: str, *headers: str, body: str = "", patience: float = 10.0) -> tuple[int, bytes]:
        """The status, 0 where there is none, and everything."""
        length = [f"Content-Length: {len(body)}"] if body else []
        head = [f"{line} HTTP/1.1", "Host: x", "Connection: close", *length, *headers, "", body]
        said = await self.send("\r\n".join(head).encode("latin-1"), patience)
        found = _STATUS.match(said)
        return int(found[1]) if found else 0, said


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="front")
async def _front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One for all, who change nothing. Bob may read Pods everywhere, and do anything in the namespace `mine`, which is
    named like a node.
    """
    async with running(tmp_path_factory.mktemp("front")) as found:
        await found.post("/api/v1/namespaces", {"metadata": {"name": "mine"}})
        for namespace in ("mine", "kube-system"):
            secret = {"metadata": {"name": "s"}, "stringData": {"password": PASSWORD}}
            await found.post(f"{NS}/{namespace}/secrets", secret)
        await found.post("/api/v1/nodes", {"kind": "Node", "metadata": {"name": "mine"}})
        await role(found, "reader", "read: pods")
        await bind(found, "ClusterRole", "reader", "User:bob")
        await bind(found, "ClusterRole", "cluster-admin", "User:bob", namespace="mine")
        yield found


@pytest.fixture
def bob(front: Running) -> Sender:
    return Sender(front, "bob")


@pytest.fixture
def root(front: Running) -> Sender:
    return Sender(front, "root", "system:masters")


THEIRS = f"{NS}/kube-system/secrets"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        pytest.param(f"GET {THEIRS}/s", 403, id="plainly"),
        pytest.param(f"GET /{THEIRS}/s", 403, id="two slashes before"),
        pytest.param(f"GET //{THEIRS}/s", 403, id="three slashes before"),
        pytest.param(f"GET {THEIRS}//s", 403, id="two slashes in the middle"),
        pytest.param(f"GET {NS}//kube-system/secrets/s", 403, id="two slashes before the namespace"),
        pytest.param("GET /api/v1//namespaces/kube-system/secrets/s", 403, id="two slashes before namespaces"),
        pytest.param(f"GET {THEIRS}/s/", 403, id="a slash behind"),
        pytest.param(f"GET {NS}/mine/../kube-system/secrets/s", 404, id="dots"),
        pytest.param(f"GET {NS}/mine/%2e%2e/kube-system/secrets/s", 404, id="encoded dots"),
        pytest.param(f"GET {NS}/mine/secrets/..%2f..%2fkube-system%2fsecrets%2fs", 404, id="encoded dots and slashes"),
        pytest.param(f"GET {NS}/mine/secrets/../../kube-system/secrets/s", 404, id="dots behind the resource"),
        pytest.param(f"GET {NS}/mine/secrets/%252e%252e%252fkube-system", 400, id="encoded twice"),
        pytest.param(f"GET {NS}/mine/secrets/..", 400, id="dots for a name"),
        pytest.param(f"GET {NS}/mine/secrets/.", 400, id="a dot for a name"),
        pytest.param(f"GET {NS}/../secrets", 403, id="dots for a namespace"),
        pytest.param(f"GET {NS}%2Fkube-system%2Fsecrets%2Fs", 403, id="encoded slashes"),
        pytest.param(f"GET {NS}/mine%2F..%2Fkube-system/secrets/s", 404, id="encoded slashes in the namespace"),
        pytest.param(f"GET {NS}/mine/secrets;x=/s", 404, id="a semicolon"),
        pytest.param(f"GET {NS}/kube-system;/secrets/s", 403, id="a semicolon behind the namespace"),
        pytest.param("GET /API/v1/namespaces/kube-system/secrets/s", 403, id="an upper-case API"),
        pytest.param(f"GET {NS}/kube-system/Secrets/s", 403, id="an upper-case resource"),
        pytest.param(f"GET {NS}/kube-system/secrets/s%00", 403, id="NUL behind the name"),
        pytest.param(f"GET {NS}/mine%00/secrets/s", 403, id="NUL behind the namespace"),
        pytest.param(f"GET {NS}/mine/%c0%ae%c0%ae/kube-system/secrets/s", 404, id="overlong dots"),
        pytest.param(f"GET {NS}/mine/..%c0%af..%c0%afkube-system/secrets/s", 404, id="overlong slashes"),
        pytest.param(f"GET {NS}/mine/%u002e%u002e/kube-system/secrets/s", 400, id="no escape at all"),
        pytest.param(f"GET {NS}/mine/secrets/s%", 400, id="half an escape"),
        pytest.param("GET /%61pi/v1/namespaces/kube-system/secrets/s", 403, id="an encoded letter"),
        pytest.param("GET /api%2Fv1/namespaces/kube-system/secrets/s", 403, id="an encoded slash at the beginning"),
        pytest.param(f"GET {THEIRS}?watch=1", 403, id="watch"),
        pytest.param(f"GET {THEIRS}?watch=", 403, id="watch without a value"),
        pytest.param(f"GET {THEIRS}?%77atch=TRUE", 403, id="watch, encoded"),
        pytest.param("GET /api/v1/watch/namespaces/kube-system/secrets", 403, id="watch as it was long ago"),
        pytest.param("GET /api/v1/watch/namespaces/kube-system/secrets/s", 403, id="watch of one, long ago"),
        pytest.param("GET /api/v1/pods/../secrets", 403, id="dots behind what may be read"),
        pytest.param("GET /api/v1/pods/..%2fsecrets", 403, id="the same with an encoded slash"),
        pytest.param(f"GET {NS}/kube-system/pods/..%2fsecrets", 403, id="the same in a namespace"),
        pytest.param(f"GET {NS}/kube-system/pods/../../secrets", 403, id="further up"),
        pytest.param("GET /openapi/../metrics", 404, id="dots behind what anybody may see"),
        pytest.param("GET /openapi/%2e%2e/metrics", 404, id="the same, encoded"),
        pytest.param("GET /healthz/../metrics", 403, id="dots behind health"),
        pytest.param("GET /version/%2e%2e/metrics", 403, id="dots behind the version"),
        pytest.param("GET //metrics", 403, id="figures behind two slashes"),
        pytest.param("GET /metrics/", 403, id="figures and a slash"),
        pytest.param(f"HEAD {THEIRS}/s", 403, id="HEAD"),
        pytest.param(f"OPTIONS {THEIRS}/s", 403, id="OPTIONS"),
        pytest.param(f"TRACE {THEIRS}/s", 403, id="TRACE"),
        pytest.param(f"PROPFIND {THEIRS}/s", 403, id="PROPFIND"),
        pytest.param(f"FOO {THEIRS}/s", 400, id="a method that there is none of"),
        pytest.param(f"get {THEIRS}/s", 400, id="a method in small letters"),
        pytest.param(f"GET https://elsewhere{THEIRS}/s", 403, id="absolute form"),
        pytest.param("GET https://elsewhere", 403, id="absolute form without a path"),
        pytest.param("CONNECT x:443", 400, id="CONNECT"),
        pytest.param("OPTIONS *", 403, id="asterisk"),
        pytest.param(f"GET {THEIRS[1:]}/s", 400, id="no slash"),
    ],
)
async def test_a_way_around(bob: Sender, line: str, status: int) -> None:
    found, said = await bob.ask(line)
    assert found == status, said
    assert not any(leak in said for leak in (ENCODED, b"SecretList", b"apiserver_"))


@pytest.mark.parametrize("path", ["//api/v1/namespaces/mine", "/api/v1//namespaces/mine", "/api//v1/namespaces/mine"])
async def test_nobody_is_between_two_slashes(root: Sender, path: str) -> None:
    assert (await root.ask(f"GET {path}"))[0] == 404


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("GET {}/nodes/mine", id="a node"),
        pytest.param("GET {}/nodes/mine/proxy/metrics", id="a node's kubelet"),
        pytest.param("GET {}/namespaces/kube-system", id="another namespace"),
        pytest.param("DELETE {}/nodes/mine", id="deleting one"),
        pytest.param("GET {}/nodes", id="all nodes"),
        pytest.param("GET {}/persistentvolumes/mine", id="a volume"),
    ],
)
async def test_what_has_no_namespace_is_not_in_one(bob: Sender, root: Sender, line: str) -> None:
    """Who may do anything in a namespace may not therefore do it to what is named like that namespace."""
    for sender in (bob, root):
        assert (await sender.ask(line.format(f"{NS}/mine")))[0] == 404
    assert (await root.ask("GET /api/v1/nodes/mine"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            f"{_RBAC}/namespaces/mine/clusterroles/mine",
            '{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "mine"}}',
            id="a cluster's role",
        ),
        pytest.param(
            "/apis/admissionregistration.k8s.io/v1/namespaces/mine/validatingwebhookconfigurations/mine",
            '{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",'
            ' "metadata": {"name": "mine"}}',
            id="a webhook",
        ),
    ],
)
async def test_what_has_no_namespace_is_not_made_in_one(bob: Sender, path: str, body: str) -> None:
    apply = ("Content-Type: application/apply-patch+yaml",)
    assert (await bob.ask(f"PATCH {path}?fieldManager=m", *apply, body=body))[0] == 404


@pytest.mark.parametrize("kind", ["subjectaccessreviews", "tokenreviews", "selfsubjectaccessreviews"])
async def test_questions_are_not_asked_in_a_namespace(bob: Sender, kind: str) -> None:
    group = "authentication.k8s.io" if kind == "tokenreviews" else "authorization.k8s.io"
    path = f"/apis/{group}/v1/namespaces/mine/{kind}"
    assert (await bob.ask(f"POST {path}", "Content-Type: application/json", body='{"spec": {}}'))[0] == 404


async def test_one_that_may_be_watched_is_not_all(front: Running) -> None:
    await role(front, "one", "watch: secrets named s", "default")
    await bind(front, "Role", "one", "User:eve", namespace="default")
    for name in ("s", "other"):
        await front.post(f"{NS}/default/secrets", {"metadata": {"name": name}})
    eve = Sender(front, "eve")
    status, said = await eve.ask("GET /api/v1/watch/namespaces/default/secrets/s?timeoutSeconds=1")
    assert (status, b'"name":"s"' in said, b"other" in said) == (200, True, False)
    status, said = await eve.ask("GET /api/v1/watch/namespaces/default/secrets?fieldSelector=metadata.name%3Ds")
    assert status == 403
    both = "fieldSelector=metadata.name%3Ds&fieldSelector=metadata.name%3Dother"
    status, said = await eve.ask(f"GET {NS}/default/secrets?watch=1&timeoutSeconds=1&{both}")
    assert (status, b'"name":"s"' in said, b"other" in said) == (200, True, False)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(("X-HTTP-Method-Override: DELETE",), id="X-HTTP-Method-Override"),
        pytest.param(("X-HTTP-Method: DELETE", "X-Method-Override: DELETE"), id="its kin"),
        pytest.param(("X-Original-URL: /api/v1/nodes", "X-Rewrite-URL: /api/v1/nodes"), id="another path"),
        pytest.param(("X-Forwarded-Prefix: /api/v1/nodes", "Forwarded: for=127.0.0.1"), id="forwarded"),
        pytest.param(("X-Remote-User: root", "X-Remote-Group: system:masters"), id="another user"),
    ],
)
async def test_heads_that_mean_nothing_here(bob: Sender, root: Sender, headers: tuple[str, ...]) -> None:
    status, said = await bob.ask("GET /api/v1/pods", *headers)
    assert (status, b'"kind":"PodList"' in said) == (200, True)
    assert (await bob.ask("GET /api/v1/nodes", *headers))[0] == 403
    assert (await root.ask("GET /api/v1/nodes/mine"))[0] == 200


PODS = b"GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n"
BEHIND = f"GET {THEIRS}/s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Host: y\r\n", id="two hosts"),
        pytest.param(b"Content-Length: 0\r\nContent-Length: 9\r\n", id="two lengths"),
        pytest.param(b"Content-Length: 0, 9\r\n", id="two lengths in one"),
        pytest.param(b"Content-Length: +9\r\n", id="a length with a sign"),
        pytest.param(b"Content-Length: 0x9\r\n", id="a length that is hexadecimal"),
        pytest.param(b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", id="length and chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", id="two encodings"),
        pytest.param(b"Transfer-Encoding: chunked, identity\r\n", id="chunks that are not last"),
        pytest.param(b"Transfer-Encoding: xchunked\r\n", id="an encoding that there is none of"),
        pytest.param(b"Transfer-Encoding : chunked\r\n", id="a space before the colon"),
        pytest.param(b"X: y\r\n Transfer-Encoding: chunked\r\n", id="a folded line"),
        pytest.param(b"X: a\rTransfer-Encoding: chunked\r\n", id="a bare carriage return"),
        pytest.param(b"X: a\x00b\r\n", id="NUL"),
    ],
)
async def test_what_could_be_read_in_two_ways_is_not_read(bob: Sender, head: bytes) -> None:
    said = await bob.send(PODS + head + b"\r\n" + b"0\r\n\r\n" + BEHIND)
    assert [int(code) for code in _STATUS.findall(said)] == [400]
    assert b"PodList" not in said
