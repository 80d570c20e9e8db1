"""Calls of webhooks over real TLS: by URL and by Service, kept alive, limited, and the words of every failure."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.outbound import CallError, Webhooks, client_config_target
from knarr.wire.messages import Response, Sink, Streaming
from tests.api.certificates import Authority
from tests.api.webhooks import Hook, hook

JSON = dict[str, Any]
NAME = "hook.ns.svc"


class Objects:
    """A Lister of what it is given."""

    def __init__(self, **by_plural: list[JSON]) -> None:
        self._by_plural = by_plural

    def get(self, group: str, plural: str, namespace: str, name: str) -> JSON | None:
        return next((o for o in self._by_plural.get(plural, []) if o["metadata"]["name"] == name), None)

    def list(self, group: str, plural: str, namespace: str = "") -> Iterator[JSON]:
        return iter(self._by_plural.get(plural, []))

    def labels(self, group: str, plural: str, namespace: str, name: str) -> dict[str, str]:
        return ((self.get(group, plural, namespace, name) or {}).get("metadata") or {}).get("labels") or {}


def service(**spec: Any) -> JSON:
    return {"metadata": {"name": "hook"}, "spec": {"ports": [{"port": 443, "name": "https"}], **spec}}


def endpoint_slice(port: int, *addresses: str, ready: bool = True) -> JSON:
    return {
        "metadata": {"name": "hook-1", "labels": {"kubernetes.io/service-name": "hook"}},
        "ports": [{"name": "https", "port": port}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}} for address in addresses],
    }


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Hook]:
    async with hook(authority, lambda review: {"heard": review}, NAME) as found:
        yield found


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    found = Webhooks(Objects())
    yield found
    found.close()


async def call(webhooks: Webhooks, config: JSON, seconds: float = 5, **rest: Any) -> Any:
    return json.loads(await webhooks.call(client_config_target(config), b'{"a":1}', seconds, **rest))


async def failed(webhooks: Webhooks, config: JSON, seconds: float = 5, **rest: Any) -> str:
    with pytest.raises(CallError) as caught:
        await call(webhooks, config, seconds, **rest)
    return str(caught.value)


async def test_by_url(webhooks: Webhooks, server: Hook) -> None:
    assert await call(webhooks, server.config("/a b/c"), 10) == {"heard": {"a": 1}}
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", "/a%20b/c", "timeout=10s")
    assert asked.headers["content-type"] == "application/json"


async def test_by_service_through_a_ready_endpoint(server: Hook) -> None:
    webhooks = Webhooks(Objects(services=[service()], endpointslices=[endpoint_slice(server.port, "127.0.0.1")]))
    named = {"namespace": "ns", "name": "hook", "path": "/mutate"}
    try:
        assert await call(webhooks, {"service": named, "caBundle": server.bundle}) == {"heard": {"a": 1}}
    finally:
        webhooks.close()
    assert (server.asked[0].path, server.asked[0].headers["host"]) == ("/mutate", f"{NAME}:443")


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        pytest.param(Objects(), 'service "hook" not found', id="no service"),
        pytest.param(Objects(services=[service(ports=[])]), 'no service port 443 found for service "hook"', id="port"),
        pytest.param(
            Objects(services=[service()], endpointslices=[endpoint_slice(1, "10.0.0.1", ready=False)]),
            'no endpoints available for service "hook"',
            id="nobody is ready",
        ),
    ],
)
async def test_a_service_that_leads_nowhere(objects: Objects, why: str) -> None:
    webhooks = Webhooks(objects)
    said = await failed(webhooks, {"service": {"namespace": "ns", "name": "hook", "path": "/x"}})
    assert said == f'Post "https://{NAME}:443/x?timeout=5s": {why}'
    webhooks.close()


async def test_the_certificate_must_have_the_services_name(authority: Authority) -> None:
    async with hook(authority, lambda _: {}, "other.ns.svc") as server:
        slices = [endpoint_slice(server.port, "127.0.0.1")]
        webhooks = Webhooks(Objects(services=[service()], endpointslices=slices))
        said = await failed(webhooks, {"service": {"namespace": "ns", "name": "hook"}, "caBundle": server.bundle})
        webhooks.close()
    assert said.endswith(f"tls: failed to verify certificate: x509: certificate is not valid for {NAME}")


async def test_an_authority_that_nobody_trusts(webhooks: Webhooks, server: Hook, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Hook("", 0, Authority(tmp_path / "other", "other"), lambda _: {})
    unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    assert await failed(webhooks, {"url": server.url}) == f'Post "{server.url}/?timeout=5s": {unknown}'
    assert (await failed(webhooks, {"url": server.url, "caBundle": other.bundle})).endswith(unknown)
    none = "unable to load root certificates: unable to parse bytes as PEM block"
    for nonsense in ("bm9uc2Vuc2U=", base64.b64encode("äöü".encode()).decode()):  # nobody else is trusted instead
        assert (await failed(webhooks, {"url": server.url, "caBundle": nonsense})).endswith(none)
    assert await call(webhooks, server.config()) == {"heard": {"a": 1}}


async def test_a_server_without_tls(webhooks: Webhooks, authority: Authority) -> None:
    async with hook(authority, lambda _: {}, plain=True) as server:
        said = await failed(webhooks, server.config())
    assert said.endswith("http: server gave HTTP response to HTTPS client")


async def test_nobody_listens(webhooks: Webhooks, authority: Authority) -> None:
    async with hook(authority, lambda _: {}) as server:
        config = server.config("/x")
    said = await failed(webhooks, config)
    address = f"127.0.0.1:{server.port}"
    assert said == f'Post "{config["url"]}?timeout=5s": dial tcp {address}: connect: connection refused'


async def test_an_answer_that_takes_too_long(webhooks: Webhooks, server: Hook) -> None:
    server.reply = lambda _: asyncio.sleep(30)
    said = await failed(webhooks, server.config("/slow"), 0.05)
    assert said == f'Post "{server.url}/slow?timeout=0.05s": context deadline exceeded'


async def test_an_answer_that_never_ends(webhooks: Webhooks, server: Hook) -> None:
    async def drip(sink: Sink) -> None:
        while True:
            sink.write(b" " * 1000)
            await sink.drain()

    server.reply = lambda _: Streaming(drip)
    said = await failed(webhooks, server.config(), limit=100_000)
    assert said.endswith("the answer is larger than 100000 bytes")


async def test_a_head_that_is_too_large(webhooks: Webhooks, server: Hook) -> None:
    server.reply = lambda _: Response(200, {"x-a": "a" * 3_000_000})
    assert (await failed(webhooks, server.config())).endswith("the answer's head is too large")


async def test_what_is_no_http(webhooks: Webhooks, server: Hook) -> None:
    server.reply = lambda _: Response(200, {"transfer-encoding": "chunked"}, b"no chunk at all")
    assert "malformed answer" in await failed(webhooks, server.config())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Response(404), "the server could not find the requested resource", id="404"),
        pytest.param(
            Response(500, body=b"oops\n"),
            'an error on the server ("oops") has prevented the request from succeeding',
            id="500 with text",
        ),
        pytest.param(
            Response(500, body=b'{"kind":"Status","message":"I am broken","reason":"InternalError","code":500}'),
            "I am broken",
            id="a Status",
        ),
        pytest.param(Response(302), "the server rejected our request for an unknown reason", id="no redirects"),
    ],
)
async def test_answers_of_failure(webhooks: Webhooks, server: Hook, answer: Response, said: str) -> None:
    server.reply = lambda _: answer
    assert await failed(webhooks, server.config()) == said


async def test_a_connection_is_kept_and_replaced_when_its_server_has_gone(authority: Authority) -> None:
    objects = Objects(services=[service()])
    webhooks = Webhooks(objects)
    config: JSON = {"service": {"namespace": "ns", "name": "hook"}}
    for _ in range(2):  # the second server is another endpoint
        async with hook(authority, lambda review: review, NAME) as server:
            objects._by_plural["endpointslices"] = [endpoint_slice(server.port, "127.0.0.1")]
            config["caBundle"] = server.bundle
            for _ in range(3):
                assert await call(webhooks, config) == {"a": 1}
    webhooks.close()
