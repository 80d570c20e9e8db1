"""Requests that no client of good will sends: each ends in a 4xx or a closed connection, none in a 500 or a wait."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from knarr.wire.limits import Limits
from knarr.wire.messages import Request
from knarr.wire.tls import client_context
from tests.api.front import Running

MAPS = "/api/v1/namespaces/default/configmaps"
PATIENCE = 10.0  # seconds in which whatever happens has happened
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Wire:
    """A TLS connection of the admin's, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """All that the server says until it hangs up."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.read()
        except ConnectionError:
            return b""

    async def talk(self, data: bytes) -> bytes:
        """The answer to something; a request for another thing follows, and asks for the end."""
        try:
            await self.send(data)
            await self.send(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            pass
        return await self.rest()


@asynccontextmanager
async def connected(front: Running) -> AsyncIterator[Wire]:
    admin = front.authority.issue("kubernetes-admin", "system:masters")
    tls = client_context(front.authority.file, admin.certificate, admin.key)
    port = int(front.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=1 << 24)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def statuses(said: bytes) -> list[int]:
    return [int(code) for code in _STATUS.findall(said)]


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([line, "Host: x", *headers, *length, "", ""]).encode("latin-1") + body


def _post(body: bytes, content_type: str = "application/json", method: str = "POST", path: str = MAPS) -> bytes:
    return request(f"{method} {path} HTTP/1.1", f"Content-Type: {content_type}", body=body)


CHUNKED = "Transfer-Encoding: chunked"
DEEP = 200_000
BOMB = b"".join(b"x%d: &x%d [*x%d, *x%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 60))
HOSTILE: dict[str, bytes] = {
    "a huge header": request("GET /version HTTP/1.1", f"X: {'x' * (1 << 21)}"),
    "many headers": request("GET /version HTTP/1.1", *(f"X-{n}: y" for n in range(200_000))),
    "a huge target": request(f"GET /{'x' * (1 << 21)} HTTP/1.1"),
    "a huge query": request(f"GET {MAPS}?labelSelector={'x,' * (1 << 17)}y HTTP/1.1"),
    "a header without a name": request("GET /version HTTP/1.1", ": x"),
    "a space before the colon": request("GET /version HTTP/1.1", "X : y"),
    "a folded header": request("GET /version HTTP/1.1", "X: y\r\n z"),
    "a NUL in a header": request("GET /version HTTP/1.1", "X: \0"),
    "a bare line feed": b"GET /version HTTP/1.1\nHost: x\n\n",
    "two hosts": request("GET /version HTTP/1.1", "Host: y"),
    "no method": b"/version HTTP/1.1\r\n\r\n",
    "another method": request("FETCH /version HTTP/1.1"),
    "a method in lower case": request("get /version HTTP/1.1"),
    "CONNECT": request("CONNECT example.com:443 HTTP/1.1"),
    "TRACE": request("TRACE /version HTTP/1.1"),
    "HTTP/0.9": b"GET /version\r\n\r\n",
    "HTTP/3.7": request("GET /version HTTP/3.7"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nonsense": bytes(range(256)) * 8,
    "a negative length": request(f"POST {MAPS} HTTP/1.1", "Content-Length: -1"),
    "a length that is no number": request(f"POST {MAPS} HTTP/1.1", "Content-Length: two"),
    "an endless length": request(f"POST {MAPS} HTTP/1.1", f"Content-Length: {1 << 80}"),
    "two lengths": request(f"POST {MAPS} HTTP/1.1", "Content-Length: 2", "Content-Length: 3") + b"{}",
    "a length and chunks": request(f"POST {MAPS} HTTP/1.1", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n",
    "chunks in another coding": request(f"POST {MAPS} HTTP/1.1", "Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n",
    "an unknown coding": request(f"POST {MAPS} HTTP/1.1", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "a bad chunk": request(f"POST {MAPS} HTTP/1.1", CHUNKED) + b"zz\r\n",
    "a chunk larger than itself": request(f"POST {MAPS} HTTP/1.1", CHUNKED) + b"2\r\n{}}\r\n0\r\n\r\n",
    "an endless chunk": request(f"POST {MAPS} HTTP/1.1", CHUNKED) + b"F" * 64 + b"\r\n",
    "a body above the limit": _post(b'{"metadata":{"name":"' + b"x" * (4 << 20) + b'"}}'),
    "a body in one more coding": request(f"POST {MAPS} HTTP/1.1", "Content-Encoding: gzip", body=b"\x1f\x8b\x08x"),
    "deep JSON": _post(b'{"data":' * DEEP + b"1" + b"}" * DEEP),
    "deep lists": _post(b'{"data":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    "invalid UTF-8": _post(b'{"metadata":{"name":"\xff\xfe"}}'),
    "half of a surrogate pair": _post(b'{"metadata":{"name":"a","annotations":{"x":"\\ud800"}}}'),
    "a number beyond all": _post(b'{"metadata":{"name":"a","generation":1e999}}'),
    "a large integer": _post(b'{"metadata":{"name":"a","generation":' + b"9" * 5000 + b"}}"),
    "no object": _post(b"[]"),
    "null": _post(b"null"),
    "nulls": _post(b'{"metadata":null,"data":null}'),
    "what JSON is not": _post(b"NaN"),
    "a mark before the JSON": _post(b"\xef\xbb\xbf{}"),
    "deep YAML": _post(b"[" * 5000, "application/yaml"),
    "a YAML bomb": _post(b"x0: &x0 [lol]\n" + BOMB, "application/yaml"),
    "YAML of another language": _post(b'!!python/object/apply:os.system ["true"]', "application/yaml"),
    "a YAML circle": _post(b"&a {metadata: *a}", "application/yaml"),
    "several documents": _post(b"a: 1\n---\nb: 2\n", "application/yaml"),
    "protobuf that ends too soon": _post(b"k8s\0\x0a\xff", "application/vnd.kubernetes.protobuf"),
    "protobuf of something else": _post(b"k8s\0\x12\x03\x0a\xff\x01", "application/vnd.kubernetes.protobuf"),
    "protobuf without its mark": _post(b"\x00" * 40, "application/vnd.kubernetes.protobuf"),
    "a type that is none": _post(b"{}", "a/b/c; charset="),
    "a name with a slash": request(f"GET {MAPS}/a%2Fb HTTP/1.1"),
    "a way up": request(f"GET {MAPS}/..%2f..%2fsecrets HTTP/1.1"),
    "dots": request(f"GET {MAPS}/.. HTTP/1.1"),
    "a name that is no UTF-8": request(f"GET {MAPS}/%ff%fe HTTP/1.1"),
    "a NUL in a name": request(f"GET {MAPS}/%00 HTTP/1.1"),
    "bytes in a path": request(f"GET {MAPS}/\xff\xe9 HTTP/1.1"),
    "a namespace that is none": request("GET /api/v1/namespaces/%20%0a/configmaps/x HTTP/1.1"),
    "a limit beyond all": request(f"GET {MAPS}?limit=99999999999999999999999 HTTP/1.1"),
    "a version beyond all": request(f"GET {MAPS}?resourceVersion={1 << 70} HTTP/1.1"),
    "a time before now": request(f"GET {MAPS}?watch=1&timeoutSeconds=x HTTP/1.1"),
    "a token of rubbish": request(f"GET {MAPS}?limit=1&continue=eyJ2IjpbXX0 HTTP/1.1"),
    "a selector of rubbish": request(f"GET {MAPS}?labelSelector=%ff(%00%29,,in HTTP/1.1"),
    "a patch of rubbish": _post(b'[{"op":"copy"}]', "application/json-patch+json", "PATCH", f"{MAPS}/kept"),
    "a patch that is no list": _post(b'{"op":1}', "application/json-patch+json", "PATCH", f"{MAPS}/kept"),
    "a patch that doubles": _post(
        json.dumps(
            [{"op": "add", "path": "/data/x", "value": "y" * 9999}]
            + [{"op": "copy", "from": "/data", "path": f"/data/c{n}"} for n in range(40)]
        ).encode(),
        "application/json-patch+json",
        "PATCH",
        f"{MAPS}/kept",
    ),
    "directives of rubbish": _post(
        b'{"$patch":"x","data":{"$retainKeys":1},"$setElementOrder/x":2,"$deleteFromPrimitiveList/y":{}}',
        "application/strategic-merge-patch+json",
        "PATCH",
        f"{MAPS}/kept",
    ),
    "an upgrade that nobody offers": request("GET /nothing HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
async def test_hostile(front: Running, hostile: bytes, caplog: pytest.LogCaptureFixture) -> None:
    await front.post(MAPS, {"metadata": {"name": "kept"}, "data": {"a": "b"}})
    async with connected(front) as wire:
        found = statuses(await wire.talk(hostile))
    assert not found or 400 <= found[0] < 500 or found[0] < 300, found
    assert not [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    async with connected(front) as wire:  # everybody else is served
        assert statuses(await wire.talk(b"")) == [200]


async def test_pipelined_requests_are_all_answered_in_order(front: Running) -> None:
    for name in "abc":
        await front.post(MAPS, {"metadata": {"name": name}})
    asked = [f"{MAPS}/{name}" for name in "abxcba"] * 20
    async with connected(front) as wire:
        said = await wire.talk(b"".join(request(f"GET {path} HTTP/1.1") for path in asked))
    assert statuses(said) == [404 if path.endswith("x") else 200 for path in asked] + [200]
    found = re.findall(rb'"name":"([abcx])"', said)
    assert b"".join(found).decode() == "abxcba" * 20


async def test_nothing_is_smuggled_behind_the_end(front: Running) -> None:
    async with connected(front) as wire:
        await wire.send(request("GET /version HTTP/1.1", "Connection: close") + request("GET /livez HTTP/1.1"))
        assert statuses(await wire.rest()) == [200]


async def test_an_absolute_target_loses_its_authority(front: Running) -> None:
    async with connected(front) as wire:
        said = await wire.talk(request("GET https://elsewhere.example:1/livez?verbose HTTP/1.1"))
    assert b"livez check passed" in said


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /ver", id="half a line"),
        pytest.param(b"GET /version HTTP/1.1\r\nHost: x\r\nX: y", id="half a head"),
        pytest.param(_post(b"{}" + b" " * 100)[:-50], id="half a body"),
        pytest.param(request(f"POST {MAPS} HTTP/1.1", CHUNKED) + b"ff\r\n{", id="half a chunk"),
    ],
)
async def test_what_comes_too_slowly_is_given_up(front: Running, begun: bytes) -> None:
    front.https.limits = Limits(message=0.2)
    async with connected(front) as wire:
        await wire.send(begun)
        assert statuses(await wire.rest()) in ([], [408])


async def test_a_body_that_drips_is_given_up(front: Running) -> None:
    front.https.limits = Limits(message=0.3)
    async with connected(front) as wire:
        head, body = _post(b'{"metadata":{"name":"slow"}}').split(b"\r\n\r\n")
        await wire.send(head + b"\r\n\r\n")
        rest = asyncio.ensure_future(wire.rest())
        for n in range(len(body)):
            if rest.done():
                break
            await wire.send(body[n : n + 1])
            await asyncio.sleep(0.05)
        assert statuses(await rest) == [408]
    answer = await front.admin.request(Request("GET", f"{MAPS}/slow"))
    assert answer.status == 404


async def test_who_hangs_up_in_the_middle_harms_nobody(front: Running, caplog: pytest.LogCaptureFixture) -> None:
    for begun in (_post(b'{"metadata":{"name":"a"}}'), request(f"GET {MAPS}?watch=1 HTTP/1.1"), b"GET"):
        async with connected(front) as wire:
            await wire.send(begun)
    async with connected(front) as wire:
        assert statuses(await wire.talk(request(f"GET {MAPS}?watch=1&timeoutSeconds=1 HTTP/1.1"))) == [200, 200]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
