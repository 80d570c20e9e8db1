"""Large answers, gzipped for clients that take it, at upstream's threshold and level.

https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/ (APIResponseCompression)
"""

from __future__ import annotations

import asyncio
import gzip

from knarr.wire.messages import Answer, Pieced, Request, Response

_LEAST = 128 * 1024  # bytes; below, it costs more time than it saves
_FASTEST = 1


async def compressed(answer: Answer, request: Request) -> Answer:
    """The answer, gzipped where it is large and the client asks for that.

    In a thread: a list of megabytes takes longer than the event loop may be held.
    """
    if not isinstance(answer, Response | Pieced) or _size(answer) <= _LEAST:
        return answer
    if "content-encoding" in answer.headers or not takes_gzip(request):
        return answer
    answer = answer.joined() if isinstance(answer, Pieced) else answer
    body = await asyncio.to_thread(gzip.compress, answer.body, _FASTEST, mtime=0)
    vary = ", ".join(filter(None, (answer.headers.get("vary"), "Accept-Encoding")))
    return Response(answer.status, {**answer.headers, "content-encoding": "gzip", "vary": vary}, body)


def _size(answer: Response | Pieced) -> int:
    return answer.size if isinstance(answer, Pieced) else len(answer.body)


def takes_gzip(request: Request) -> bool:
    """Whether gzip is among the encodings that the client takes (RFC 9110, 12.5.3); `q=0` is a no."""
    for choice in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = choice.replace(" ", "").lower().partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or not weight
    return False
