"""JSON with line breaks, for clients that ask for it and for those that people read with.

https://kubernetes.io/docs/reference/using-api/api-concepts/ (the `pretty` parameter)
"""

from __future__ import annotations

import msgspec

from knarr.apiserver.answers import JSON_TYPE
from knarr.apiserver.request import truthy
from knarr.wire.messages import Answer, Pieced, Request, Response

_READ_BY_PEOPLE = ("curl", "Wget", "Mozilla/5.0")


def prettied(answer: Answer, request: Request) -> Answer:
    """The answer, indented where it is JSON and somebody wants to read it."""
    if not _wanted(request):
        return answer
    if isinstance(answer, Pieced):
        answer = answer.joined()
    if not isinstance(answer, Response) or not answer.body:
        return answer
    if not answer.headers.get("content-type", "").startswith(JSON_TYPE) or "content-encoding" in answer.headers:
        return answer
    return Response(answer.status, answer.headers, msgspec.json.format(answer.body, indent=2))


def _wanted(request: Request) -> bool:
    if "pretty" in request.query and (asked := request.parameters().get("pretty")) and asked[0]:
        return truthy(asked)
    return request.headers.get("user-agent", "").startswith(_READ_BY_PEOPLE)
