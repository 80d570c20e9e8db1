"""grpc: does the health service say SERVING? (https://grpc.io/docs/guides/health-checking/)

Its two messages have one field each, so they are written by hand: a string in requests, an enum in responses.
"""

from __future__ import annotations

import asyncio

from knarr.api.protobuf import wire
from knarr.kubelet.objects import GRPCAction
from knarr.kubelet.probes.check import Check, Outcome, Result, Target, dial_failure, failed, joined
from knarr.wire.grpc import CallError, Channel

_METHOD = "/grpc.health.v1.Health/Check"
_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_SERVING = 1
_AGENT = {"user-agent": "kube-probe/1.36"}


async def ask(target: Target, action: GRPCAction, timeout: float) -> Result:
    channel = Channel(joined(target.address, action.port), _AGENT)
    try:
        async with asyncio.timeout(timeout):
            state = _state(await channel.unary(_METHOD, _request(action.service)))
    except TimeoutError:
        return failed(
            f'timeout: failed to connect service "{channel.target}" within {timeout:g}s: context deadline exceeded'
        )
    except CallError as failure:
        if isinstance(failure.__cause__, OSError):
            reason = dial_failure(target.address, action.port, failure.__cause__)
            return failed(f'error: failed to connect service at "{channel.target}": {reason}')
        return failed(_explanation(failure))
    finally:
        await channel.close()
    if state == _SERVING:
        return Result(Outcome.SUCCESS, "service healthy")
    return failed(f'service unhealthy (responded with "{_STATES[state] if state < len(_STATES) else state}")')


def _explanation(failure: CallError) -> str:
    if failure.code == "Unimplemented":
        return (
            f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {failure.message}"
        )
    return f"error: health rpc probe failed: {failure}"


def _request(service: str) -> bytes:
    name = service.encode()
    return wire.delimited(wire.tag(1, wire.BYTES), name) if name else b""


def _state(message: bytes) -> int:
    """Field 1 of the response; absent is the enum's zero."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0


CHECK = Check("grpc", ask)
