"""WebSockets that end here: what the kubelet has otherwise is put into messages."""

from __future__ import annotations

from functools import partial

from knarr.apiserver.streaming.relays import dial, end_to_end
from knarr.machinery.errors import BadRequest
from knarr.wire import websockets
from knarr.wire.joining import Source, join
from knarr.wire.messages import Answer, Duplex, Request, Response, StreamedResponse, Transport, Upgrade

TUNNELLED = "SPDY/3.1+portforward.k8s.io"  # KEP-4006: port-forward's SPDY inside of messages
_SPDY = {"connection": "Upgrade", "upgrade": "SPDY/3.1", "x-stream-protocol-version": "portforward.k8s.io"}
_BINARY, _BASE64 = "binary.k8s.io", "base64.binary.k8s.io"  # how a text goes in messages


def as_messages(request: Request, backend: StreamedResponse) -> Answer:
    """A backend's body, chunk by chunk, until either side ends. Raises BadRequest for protocols that nobody knows."""
    names = websockets.offered(request.headers)
    chosen = next((name for name in names if name in (_BINARY, _BASE64)), "")
    if names and not chosen:
        raise BadRequest(f"none of the protocols {', '.join(names)} is known: {_BINARY} and {_BASE64} are")

    async def start(near: Duplex) -> None:
        messages = websockets.Messages(near, websockets.in_base64 if chosen == _BASE64 else bytes)
        await messages.write(b"")  # as upstream begins: a client knows that it is heard
        await join(messages, Source(partial(anext, aiter(backend), b""), backend.close))

    return Upgrade(start, websockets.accepting(request.headers, chosen))


async def tunnelled(kubelet: Transport, request: Request, path: str) -> Answer:
    """The SPDY that messages carry, as SPDY to the kubelet."""
    response, far = await dial(kubelet, Request("POST", path, "", _SPDY))
    if far is None:
        return Response(response.status, end_to_end(response.headers), response.body)

    async def start(near: Duplex) -> None:
        await join(websockets.Messages(near), far)

    return Upgrade(start, websockets.accepting(request.headers, TUNNELLED))
