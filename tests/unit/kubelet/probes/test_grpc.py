from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest

from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.objects import GRPCAction
from knarr.kubelet.probes.check import Outcome, Result, Target
from knarr.kubelet.probes.grpc import ask
from tests.unit.kubelet.fakes import FakeRuntime
from tests.unit.kubelet.pods import container

STATES = {b"": b"\x08\x01", b"\x0a\x04slow": b"\x08\x02", b"\x0a\x03odd": b""}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A health service: SERVING for "", NOT_SERVING for "slow", UNKNOWN for "odd"."""

    async def check(request: bytes, context: Any) -> bytes:
        if request not in STATES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return STATES[request]

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(check)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),)
    )
    bound = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield bound
    await server.stop(None)


@pytest.mark.parametrize(
    ("service", "result"),
    [
        ("", Result(Outcome.SUCCESS, "service healthy")),
        ("slow", Result(Outcome.FAILURE, 'service unhealthy (responded with "NOT_SERVING")')),
        ("odd", Result(Outcome.FAILURE, 'service unhealthy (responded with "UNKNOWN")')),
        (
            "none",
            Result(
                Outcome.FAILURE, "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"
            ),
        ),
    ],
)
async def test_health(port: int, service: str, result: Result) -> None:
    target = Target(container(), "c1", "127.0.0.1", cast(Runtime, FakeRuntime()))
    assert await ask(target, GRPCAction(port=port, service=service), 5) == result
