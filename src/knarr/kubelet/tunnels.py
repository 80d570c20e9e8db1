"""Exec, attach and port-forward: the runtime speaks the client's protocol, here bytes only pass through."""

from __future__ import annotations

from urllib.parse import urlsplit

from knarr.machinery.errors import BadRequest
from knarr.wire.connections import HTTPTransport
from knarr.wire.joining import switched
from knarr.wire.messages import Answer, Request

_PER_HOP = ("date", "content-length", "transfer-encoding")


async def tunnel(request: Request, url: str) -> Answer:
    """Repeat an upgrade request at the URL; the answer there is the answer, and then both ends talk by themselves."""
    if "upgrade" not in request.headers:
        raise BadRequest("you must request an upgrade: SPDY/3.1 or a WebSocket")
    parts = urlsplit(url)
    transport = HTTPTransport(f"{parts.scheme}://{parts.netloc}")
    headers = {name: value for name, value in request.headers.items() if name not in ("host", "authorization")}
    try:
        response, far = await transport.upgrade(Request(request.method, parts.path, parts.query, headers))
    except BaseException:
        await transport.close()
        raise
    passed = {name: value for name, value in response.headers.items() if name not in _PER_HOP}
    return await switched(response, far, passed, transport)  # both protocols end their streams before either side ends
