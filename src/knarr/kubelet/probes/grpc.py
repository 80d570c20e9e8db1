"""grpc: does the health service say SERVING? (https://grpc.io/docs/guides/health-checking/)

Its two messages have one field each, so they are written by hand: a string in requests, an enum in responses.
"""

from __future__ import annotations

from knarr.kubelet.objects import GRPCAction
from knarr.kubelet.probes.check import Check, Outcome, Result, Target, failed, joined

_METHOD = "/grpc.health.v1.Health/Check"
_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_SERVING = 1


async def ask(target: Target, action: GRPCAction, timeout: float) -> Result:
    import grpc  # half a second of start-up that most nodes never need

    address = joined(target.address, action.port)
    options = [("grpc.primary_user_agent", "kube-probe/1.36"), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        check = channel.unary_unary(_METHOD, request_serializer=_request, response_deserializer=_state)
        try:
            state: int = await check(action.service, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return failed(_explanation(error.code().name, str(error.details()), address, timeout))
    if state == _SERVING:
        return Result(Outcome.SUCCESS, "service healthy")
    return failed(f'service unhealthy (responded with "{_STATES[state] if state < len(_STATES) else state}")')


def _explanation(code: str, details: str, address: str, timeout: float) -> str:
    if code == "UNIMPLEMENTED":
        return f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {details}"
    if code == "DEADLINE_EXCEEDED":
        return f'timeout: failed to connect service "{address}" within {timeout:g}s: context deadline exceeded'
    if code == "UNAVAILABLE":
        return f'error: failed to connect service at "{address}": {details}'
    return f"error: health rpc probe failed: {details}"


def _request(service: str) -> bytes:
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _state(message: bytes) -> int:
    """Field 1 of the response; absent is the enum's zero."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0


CHECK = Check("grpc", ask)
