"""The server as HTTP: what any client may send over the wire, and what it is answered."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.processes import ServerProcess, exchange, server_process

CLOSE = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
DEFAULT = "/api/v1/namespaces/default"
DRY_CREATE = b"POST /api/v1/namespaces?dryRun=All" + CLOSE
NAMED = b'{"metadata":{"name":"a"}}'
CHUNKS = b'8\r\n{"metada\r\n11;x=y\r\nta":{"name":"a"}}\r\n0\r\nX: y\r\n\r\n'
VERSION = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
GOOD, NOT_ALLOWED = (200, None), (405, "the server does not allow this method on the requested resource")
NO_ADDRESS = (404, "the server could not find the requested resource")
LARGE = 200_000  # bytes


def talk(process: ServerProcess, *pieces: bytes) -> bytes:
    """Everything that the server says until it closes."""
    connection = process.connect()
    connection.connect()
    try:
        for piece in pieces:
            connection.sock.sendall(piece)
        said = b""
        while data := connection.sock.recv(65536):
            said += data
    finally:
        connection.close()
    return said


def answers(said: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer, whose lengths have to be right."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        assert len(rest) >= length
        found.append((int(head.split()[1]), rest[:length]))
        said = rest[length:]
    return found


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", f"{DEFAULT}/", GOOD, id="trailing slash"),
        pytest.param("GET", "/api/v1/namespaces/defaul%74", GOOD, id="percent-encoded"),
        pytest.param("GET", f"{DEFAULT}?x={'a' * 500_000}", GOOD, id="half a megabyte of query"),
        pytest.param("GET", f"{DEFAULT}?a=1;b=2&c&&=", GOOD, id="strange query"),
        pytest.param("OPTIONS", DEFAULT, NOT_ALLOWED, id="OPTIONS"),
        pytest.param("TRACE", DEFAULT, NOT_ALLOWED, id="TRACE"),
        pytest.param("POST", DEFAULT, NOT_ALLOWED, id="POST to an object"),
        pytest.param("PUT", "/api/v1/namespaces", NOT_ALLOWED, id="PUT to a collection"),
        pytest.param("GET", f"{DEFAULT}/serviceaccounts/default/token", NOT_ALLOWED, id="GET of a token"),
        pytest.param("GET", f"{DEFAULT}/nodes", NO_ADDRESS, id="cluster-wide kind in a namespace"),
        pytest.param("GET", f"{DEFAULT}/namespaces/kube-system", NO_ADDRESS, id="namespace in a namespace"),
        pytest.param("GET", "/api/v1/pods/p", NO_ADDRESS, id="namespaced object in no namespace"),
        pytest.param("GET", f"{DEFAULT}/configmaps/a%2Fb", NO_ADDRESS, id="slash in a name"),
        pytest.param("GET", "/api/v1%2Fnamespaces/default", GOOD, id="percent-encoded slash"),
        pytest.param(
            "GET",
            f"{DEFAULT}/configmaps/%2e%2e",
            (400, "Name parameter invalid: \"..\": may not be '..'"),
            id="dots for a name",
        ),
        pytest.param(
            "GET", "/api/v1/namespaces/%00%FF", (404, 'namespaces "\0�" not found'), id="bytes that are no text"
        ),
        pytest.param(
            "GET",
            "/api/v1/namespaces?limit=x&limit=1",
            (400, 'unable to convert query parameter limit: strconv.ParseInt: parsing "x": invalid syntax'),
            id="the first of two parameters counts",
        ),
    ],
)
def test_addresses(process: ServerProcess, method: str, path: str, expected: tuple[int, str | None]) -> None:
    reply = process.send(method, path)
    message = reply.json.get("message") if reply.status != 200 else None
    assert (reply.status, message) == expected
    if reply.status == 200:
        assert reply.json["metadata"]["name"] == "default"


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        pytest.param(VERSION * 5 + b"GET /version" + CLOSE + b"\r\n", [200] * 6, id="pipelined"),
        pytest.param(b"GET /version HTTP/1.0\r\n\r\n", [200], id="HTTP/1.0"),
        pytest.param(
            DRY_CREATE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
            [201],
            id="chunked, with an extension and a trailer",
        ),
        pytest.param(
            DRY_CREATE + b"Expect: 100-continue\r\nContent-Length: 25\r\n\r\n" + NAMED, [100, 201], id="100-continue"
        ),
        pytest.param(
            DRY_CREATE + b"Transfer-Encoding: chunked\r\nContent-Length: 25\r\n\r\n" + NAMED, [400], id="two lengths"
        ),
        pytest.param(b"GET /version HTTP/1.1\r\nConnection: close\r\n\r\n", [400], id="no host"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], id="HTTP/2 without asking"),
        pytest.param(b"GET /" + b"a" * 3_000_000, [431], id="an endless line"),
        pytest.param(b"\0" * 100, [400], id="no HTTP"),
    ],
)
def test_messages(process: ServerProcess, sent: bytes, statuses: list[int]) -> None:
    assert [status for status, _ in answers(talk(process, sent))] == statuses


def test_a_body_in_many_small_pieces(process: ServerProcess) -> None:
    head = DRY_CREATE + b"Content-Length: 25\r\n\r\n"
    assert [status for status, _ in answers(talk(process, *(bytes((b,)) for b in head + NAMED)))] == [201]


def test_head_is_get_without_a_body(process: ServerProcess) -> None:
    body, head = process.send("GET", DEFAULT), process.send("HEAD", DEFAULT)
    assert (head.status, head.body) == (200, "")
    assert head.headers["content-length"] == str(len(body.body))


def test_what_is_never_stored_has_no_revision(process: ServerProcess) -> None:
    made = process.send("POST", "/api/v1/namespaces?dryRun=All", {"metadata": {"name": "a"}})
    assert made.status == 201
    assert "resourceVersion" not in made.json["metadata"]
    assert process.send("GET", "/api/v1/namespaces/a").status == 404


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", "application/json", id="empty"),
        pytest.param("text/html, */*;q=0.8", "application/json", id="a browser's"),
        pytest.param("APPLICATION/JSON; charset=utf-8", "application/json", id="capitals"),
        pytest.param("application/json;q=0.1, application/yaml", "application/yaml", id="by preference"),
        pytest.param("application/cbor, application/json", "application/json", id="the second choice"),
        pytest.param("application/json;as=Table;g=meta.k8s.io;v=v9, */*", "application/json", id="unknown view"),
        pytest.param("application/yaml;q=0, */*;q=0.1", "application/json", id="not by any means"),
        pytest.param("text/html", None, id="nothing that is served"),
        pytest.param(";;;", None, id="nonsense"),
    ],
)
def test_accept(process: ServerProcess, accept: str, expected: str | None) -> None:
    reply = process.send("GET", DEFAULT, accept=accept)
    if expected is None:
        types = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        assert reply.failure == (406, "NotAcceptable", f"only the following media types are accepted: {types}")
    else:
        assert (reply.status, reply.headers["content-type"]) == (200, expected)


@pytest.fixture
def large(process: ServerProcess, namespace: str) -> Iterator[str]:
    """The path of a list that is worth compressing."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert process.send("POST", path, {"metadata": {"name": "large"}, "data": {"a": "x" * LARGE}}).status == 201
    yield path


@pytest.mark.parametrize(
    ("asked", "compressed"),
    [
        pytest.param("gzip", True, id="gzip"),
        pytest.param("br, GZIP;q=0.5", True, id="among others"),
        pytest.param("gzip;q=0", False, id="not gzip"),
        pytest.param("identity", False, id="nothing"),
    ],
)
def test_large_answers_are_compressed_for_who_asks(
    process: ServerProcess, large: str, asked: str, compressed: bool
) -> None:
    connection = process.connect()
    connection.request("GET", large, headers={"accept-encoding": asked})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.headers["content-encoding"] == ("gzip" if compressed else None)
    assert (len(body) < LARGE) == compressed
    tree: Any = json.loads(gzip.decompress(body) if compressed else body)
    assert LARGE in [len(item["data"].get("a", "")) for item in tree["items"]]


def test_small_answers_are_not(process: ServerProcess) -> None:
    reply = process.send("GET", DEFAULT, accept_encoding="gzip")
    assert "content-encoding" not in reply.headers
    assert reply.json["kind"] == "Namespace"


def test_one_connection_serves_requests_of_all_kinds(process: ServerProcess) -> None:
    """Failures and streams leave the connection as good as it was."""
    connection = process.connect()
    connection.connect()
    local = connection.sock.getsockname()
    paths = [DEFAULT, "/nowhere", f"{DEFAULT}/nodes", "/api/v1/namespaces?watch=1&timeoutSeconds=1", DEFAULT]
    statuses = []
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [200, 404, 404, 200, 200]
    assert connection.sock.getsockname() == local
    connection.close()


def test_http_on_the_port_of_https_is_told_so(process: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", process.config.api_port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = plain.recv(4096)
    assert answers(said) == [(400, b"Client sent an HTTP request to an HTTPS server.\n")]


def test_what_is_not_even_that_is_dropped(process: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", process.config.api_port), timeout=10) as plain:
        plain.sendall(b"\x16\x03\x01\x00\x05nonsense" * 10)
        tls_alert = b"\x15"
        assert plain.recv(4096)[:1] in (b"", tls_alert)
    assert process.send("GET", DEFAULT).status == 200
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", process.config.api_port)) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")  # trusts other authorities


def test_idle_connections_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """Pools keep connections that nobody reads until their next use."""
    with server_process(tmp_path) as server:
        pool = [server.connect() for _ in range(5)]
        for connection in pool:
            assert exchange(connection, "GET", DEFAULT).status == 200
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    for connection in pool:
        connection.close()
