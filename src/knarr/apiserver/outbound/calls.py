"""One call of a webhook: a review posted, its answer brought back, within a time and a size."""

from __future__ import annotations

import asyncio
from pathlib import Path

from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.targets import Target
from knarr.apiserver.outbound.wording import failure, refusal
from knarr.apiserver.registry import Lister
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request, StreamedResponse

ANSWER_LIMIT = 16 * 1024 * 1024  # bytes; a review of many objects may be larger than what a client may send
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, */*",
}
_PASSING = (429, 500, 504)  # what a server answers that may do better in a moment


class CallError(Exception):
    """No usable answer; the message is upstream's, for who wraps it to say what it was for.

    `late`: it did not come in time. `passing`: to ask again in a moment may help.
    """

    def __init__(self, message: str, *, late: bool = False, passing: bool = False) -> None:
        super().__init__(message)
        self.late, self.passing = late, passing


class Webhooks:
    """Calls webhooks; a call may be repeated on a fresh connection, as a webhook must bear it anyway."""

    def __init__(self, lister: Lister, certificate: Path | None = None, key: Path | None = None) -> None:
        self._pool = Pool(lister, certificate, key)

    async def call(self, target: Target, body: bytes, seconds: float, *, limit: int = ANSWER_LIMIT) -> bytes:
        """Post JSON; the body of the answer, if that is a success. `seconds` are real ones. Raises CallError."""
        headers = {**HEADERS, "user-agent": "kube-apiserver-admission"}
        request = Request("POST", target.path, f"timeout={seconds:g}s", headers, body)
        try:
            transport = self._pool.transport(target, repeatable=True)
            return await post(transport, target.url, request, seconds, host=_host(target), limit=limit)
        except OSError as error:
            raise CallError(f"{_shown(target.url, request)}: {failure(error, _host(target))}") from error
        except CallError as error:
            if error.late:
                self._pool.forget(target)
            raise

    def close(self) -> None:
        """Keep no connection any more; a call under way goes on."""
        self._pool.close()


async def post(
    transport: HTTPTransport, url: str, request: Request, seconds: float, *, host: str, limit: int = ANSWER_LIMIT
) -> bytes:
    """The body of the answer, if that is a success. `url` and `host` are the server's, as messages show them. Raises
    CallError.
    """
    try:
        async with asyncio.timeout(seconds):
            status, again, answer = await _exchange(transport, request, limit)
    except TimeoutError:
        raise CallError(f"{_shown(url, request)}: context deadline exceeded", late=True) from None
    except OSError as error:
        passing = isinstance(error, ConnectionResetError)
        raise CallError(f"{_shown(url, request)}: {failure(error, host)}", passing=passing) from error
    if not 200 <= status < 300:
        raise CallError(refusal(status, answer), passing=status in _PASSING or again)
    return answer


async def _exchange(transport: HTTPTransport, request: Request, limit: int) -> tuple[int, bool, bytes]:
    """The status, whether the server says when to come again, and the body."""
    streamed = await transport.stream(request)
    try:
        return streamed.status, "retry-after" in streamed.headers, await whole(streamed, limit)
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


def _shown(url: str, request: Request) -> str:
    return f'{request.method.title()} "{url}{request.path}?{request.query}"'


def _host(target: Target) -> str:
    return target.service.host if target.service else target.url.partition("://")[2].partition(":")[0]
