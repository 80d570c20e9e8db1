"""Passing a request on, and the answer back: streamed bodies, upgrades, refusals as a Status."""

from __future__ import annotations

from collections.abc import Mapping

from knarr.machinery.errors import APIError, BadRequest, InternalError, NotFound, ServiceUnavailable
from knarr.wire.heads import BODILESS
from knarr.wire.joining import switched
from knarr.wire.messages import Answer, Duplex, Request, Response, Sink, StreamedResponse, Streaming, Transport

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    )
)  # RFC 9110, 7.6.1; and the date, which the next hop gives
_REFUSAL_LIMIT = 50_000  # bytes of a backend's error that are shown


def end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields that concern more than one hop."""
    return {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}


async def relay(transport: Transport, request: Request, *, close: bool = False) -> Answer:
    """Send on, and answer with what comes back; `close` closes the transport afterwards."""
    return await passed_on(await reach(transport, request), transport if close else None)


async def passed_on(backend: StreamedResponse, transport: Transport | None = None) -> Answer:
    """A backend's answer as ours, whatever it is."""
    if backend.status not in BODILESS:
        return relayed(backend, transport)
    async for _ in backend:  # there is nothing, but then the connection is free again
        pass
    if transport:
        await transport.close()
    return Response(backend.status, end_to_end(backend.headers))


def relayed(backend: StreamedResponse, transport: Transport | None = None) -> Streaming:
    """A backend's answer as ours, chunk by chunk; its transport, where given, is closed afterwards."""

    async def copy(sink: Sink) -> None:
        try:
            async for chunk in backend:
                sink.write(chunk)
                await sink.drain()
        finally:
            await backend.close()
            if transport:
                await transport.close()

    return Streaming(copy, backend.status, end_to_end(backend.headers))


async def reach(transport: Transport, request: Request) -> StreamedResponse:
    """The answer's head. Raises ServiceUnavailable where nobody answers."""
    try:
        return await transport.stream(request)
    except (ConnectionError, TimeoutError) as error:
        raise ServiceUnavailable(f"error trying to reach service: {error}") from error


async def switch(transport: Transport, request: Request) -> Answer:
    """Repeat an upgrade request and join the two ends; a refusal stays one."""
    return await joined(*await dial(transport, request))


def switching(request: Request) -> dict[str, str]:
    """The fields of an upgrade that each hop says anew."""
    return {"connection": "Upgrade", "upgrade": request.headers.get("upgrade", "")}


def wants_upgrade(request: Request) -> bool:
    return "upgrade" in request.headers.get("connection", "").lower()


async def joined(response: Response, far: Duplex | None, transport: Transport | None = None) -> Answer:
    """A backend's answer to an upgrade as ours; its transport, where given, is closed afterwards."""
    passed = end_to_end(response.headers)
    if far is not None:
        passed["upgrade"] = response.headers.get("upgrade", "")
    return await switched(response, far, passed, transport)


async def dial(transport: Transport, request: Request) -> tuple[Response, Duplex | None]:
    """A backend's answer to an upgrade, and the raw stream if it agrees. Raises InternalError."""
    try:
        return await transport.upgrade(request)
    except (ConnectionError, TimeoutError) as error:
        raise InternalError(f"Internal error occurred: error dialing backend: {error}") from error


async def refusal(backend: StreamedResponse, resource: str, name: str) -> APIError:
    """A kubelet's plain-text error as upstream reports it."""
    text = (await _whole(backend)).decode(errors="replace").strip()
    if backend.status == 400:
        return BadRequest(text)
    if backend.status == 404:
        message = f"the server could not find the requested resource ( {resource} {name})"
        return NotFound(message, kind=resource, name=name)
    if backend.status == 500:
        return InternalError(f"Internal error occurred: {text}")
    return APIError(text or f"the kubelet answered {backend.status}", code=backend.status, kind=resource, name=name)


async def _whole(backend: StreamedResponse) -> bytes:
    body = b""
    async for chunk in backend:
        body += chunk
        if len(body) > _REFUSAL_LIMIT:
            break
    await backend.close()
    return body[:_REFUSAL_LIMIT]
