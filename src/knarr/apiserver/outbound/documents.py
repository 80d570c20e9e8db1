"""A document that another server publishes, fetched over HTTPS."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from knarr.apiserver.outbound.calls import CallError, whole
from knarr.apiserver.outbound.wording import failure, refusal
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request

_LIMIT = 1024 * 1024  # bytes


async def fetch(url: str, tls: ssl.SSLContext, seconds: float) -> bytes:
    """The document at a URL; `seconds` are real ones. Raises CallError."""
    parts = urlsplit(url)
    transport = HTTPTransport(f"{parts.scheme}://{parts.netloc}", tls=tls)
    request = Request("GET", parts.path or "/", parts.query, {"accept": "application/json"})
    try:
        async with asyncio.timeout(seconds):
            answer = await transport.stream(request)
            body = await whole(answer, _LIMIT)
    except TimeoutError:
        raise CallError(f'Get "{url}": context deadline exceeded', late=True) from None
    except OSError as error:
        raise CallError(f'Get "{url}": {failure(error, parts.hostname or "")}') from error
    finally:
        await transport.close()
    if answer.status != 200:
        raise CallError(f'Get "{url}": {refusal(answer.status, body)}')
    return body
