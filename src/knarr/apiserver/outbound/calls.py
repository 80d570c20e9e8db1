"""One call of a webhook: a review posted, its answer brought back, within a time and a size."""

from __future__ import annotations

import asyncio
from pathlib import Path

from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.targets import Target
from knarr.apiserver.outbound.wording import failure, refusal
from knarr.apiserver.registry import Lister
from knarr.wire.messages import Request, StreamedResponse

ANSWER_LIMIT = 16 * 1024 * 1024  # bytes; a review of many objects may be larger than what a client may send
_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, */*",
    "user-agent": "kube-apiserver-admission",
}


class CallError(Exception):
    """No usable answer; the message is upstream's, for who wraps it to say what it was for."""


class Webhooks:
    """Calls webhooks; a call may be repeated on a fresh connection, as a webhook must bear it anyway."""

    def __init__(self, lister: Lister, certificate: Path | None = None, key: Path | None = None) -> None:
        self._pool = Pool(lister, certificate, key)

    async def call(self, target: Target, body: bytes, seconds: float, *, limit: int = ANSWER_LIMIT) -> bytes:
        """Post JSON; the body of the answer, if that is a success. `seconds` are real ones. Raises CallError."""
        query = f"timeout={seconds:g}s"
        url = f'Post "{target.url}{target.path}?{query}"'
        request = Request("POST", target.path, query, _HEADERS, body)
        try:
            async with asyncio.timeout(seconds):
                status, answer = await self._post(target, request, limit)
        except TimeoutError:
            self._pool.forget(target)
            raise CallError(f"{url}: context deadline exceeded") from None
        except OSError as error:
            raise CallError(f"{url}: {failure(error, _host(target))}") from error
        if not 200 <= status < 300:
            raise CallError(refusal(status, answer))
        return answer

    def close(self) -> None:
        """Keep no connection any more; a call under way goes on."""
        self._pool.close()

    async def _post(self, target: Target, request: Request, limit: int) -> tuple[int, bytes]:
        streamed = await self._pool.transport(target, repeatable=True).stream(request)
        try:
            return streamed.status, await whole(streamed, limit)
        finally:
            await streamed.close()


async def whole(streamed: StreamedResponse, limit: int) -> bytes:
    """The body of an answer. Raises ConnectionError where it is cut, or larger than `limit` bytes."""
    parts, size = [], 0
    async for part in streamed:
        size += len(part)
        if size > limit:
            raise ConnectionAbortedError(f"the answer is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _host(target: Target) -> str:
    return target.service.host if target.service else target.url.partition("://")[2].partition(":")[0]
