"""Strangers who say something long and new each time: nothing of it is kept in mind."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from knarr.wire.messages import Request
from tests.api.audits import audited
from tests.api.front import Running

LONG = "stranger" * 6000
TIMES = 30

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="front")
async def _front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with audited(tmp_path_factory.mktemp("front"), {"level": "Metadata"}) as found:
        yield found


def field(name: str) -> Callable[[str], Request]:
    return lambda text: Request("GET", "/version", "", {name: text})


FIELDS = ("accept", "accept-encoding", "audit-id", "if-none-match", "impersonate-user", "user-agent", "x-forwarded-for")
SENT: dict[str, Callable[[str], Request]] = {
    "a path": lambda text: Request("GET", f"/{text}"),
    "a resource": lambda text: Request("GET", f"/api/v1/{text}"),
    "a group": lambda text: Request("GET", f"/apis/{text}/v1/x"),
    "a namespace": lambda text: Request("GET", f"/api/v1/namespaces/{text}/pods"),
    "a name": lambda text: Request("GET", f"/api/v1/namespaces/default/pods/{text}"),
    "a query": lambda text: Request("GET", "/version", text),
    "a selector of labels": lambda text: Request("GET", "/api/v1/pods", f"labelSelector={text}"),
    "a selector of fields": lambda text: Request("GET", "/api/v1/pods", f"fieldSelector=metadata.name%3D{text}"),
    **{f"the field {name}": field(name) for name in FIELDS},
    "a field's name": lambda text: Request("GET", "/version", "", {text: "x"}),
    "a bearer token": lambda text: Request("GET", "/version", "", {"authorization": f"Bearer {text}"}),
    "a socket's token": lambda text: Request(
        "GET",
        "/version",
        "",
        {"upgrade": "websocket", "sec-websocket-protocol": f"base64url.bearer.authorization.k8s.io.{text}, x"},
    ),
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
async def test_nothing_is_kept(front: Running, sent: Callable[[str], Request]) -> None:
    transport = front.transport()
    await transport.request(sent("a"))
    tracemalloc.start()
    try:
        for number in range(TIMES):
            await transport.request(sent(f"a{number}{LONG}"))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await transport.close()
    assert kept < TIMES * len(LONG) // 2  # the last ones may still be on their way
