"""Requests to another server's resources, passed on in the name of whoever sent them.

The server knows us by our client certificate, and by its headers who the user is:
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

from msgspec.structs import replace

from knarr.apiserver.aggregation.registrations import Registration
from knarr.apiserver.answers import plain_answer
from knarr.apiserver.authn.users import MASTERS, User
from knarr.apiserver.info import LONG_RUNNING, parse
from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.wording import failure
from knarr.apiserver.streaming.relays import end_to_end, joined, passed_on, switching, wants_upgrade
from knarr.apiserver.verbs.call import MOST_SECONDS
from knarr.machinery.errors import Timeout
from knarr.wire.messages import Answer, Request, Response, StreamedResponse, Transport

_PRIVATE = ("authorization", "host")  # meant for us alone
_FORGEABLE = ("x-remote-", "impersonate-")  # what only we may say of a user
_FIELD_NAME = "!#$&'*+-.^_`|~"  # what a field's name may hold besides letters and digits (RFC 9110, 5.6.2)

OURSELVES = User("system:kube-aggregator", groups=(MASTERS,))  # in whose name we ask where no user does


async def proxied(pool: Pool, registration: Registration, request: Request, user: User) -> Answer:
    """The other server's answer, streamed as it comes; 503 where it is not there."""
    target = registration.target
    if target is None or not registration.available:
        return unavailable("service unavailable")
    sent = as_user(request, user)
    try:
        transport = pool.transport(target)
        if wants_upgrade(request):
            return await joined(*await transport.upgrade(replace(sent, headers={**sent.headers, **switching(request)})))
        return await passed_on(await _head(transport, sent))
    except (OSError, ValueError) as error:
        host = target.service.host if target.service else ""
        return unavailable(f"error trying to reach service: {failure(error, host)}")


async def _head(transport: Transport, request: Request) -> StreamedResponse:
    """The beginning of the answer; within the time that a request may take, unless it is to last. Raises Timeout."""
    info = parse(request.method, request.path, request.query)
    lasts = info.verb in ("proxy", "watch") or info.subresource in LONG_RUNNING
    try:
        async with asyncio.timeout(None if lasts else MOST_SECONDS) as limit:
            return await transport.stream(request)
    except TimeoutError:
        if not limit.expired():
            raise
        raise Timeout("Timeout: request did not complete within the allotted timeout") from None


def unavailable(why: str) -> Response:
    """As upstream's aggregator says it: no Status, as no resource of ours is concerned."""
    return plain_answer(f"{why}\n", 503)


def as_user(request: Request, user: User) -> Request:
    """The request with the user in its headers, and without what the client said of users."""
    headers = {
        name: value
        for name, value in end_to_end(request.headers).items()
        if name not in _PRIVATE and not name.startswith(_FORGEABLE)
    }
    return replace(request, headers=headers, repeated=tuple(_identity(user)))


def _identity(user: User) -> Iterator[tuple[str, str]]:
    yield "x-remote-user", user.name
    if user.uid:
        yield "x-remote-uid", user.uid
    yield from (("x-remote-group", group) for group in user.groups)
    for key, values in user.extra.items():
        yield from ((f"x-remote-extra-{quote(key.lower(), safe=_FIELD_NAME)}", value) for value in values)
