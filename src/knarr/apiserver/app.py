"""The API server's front: each request goes through authentication, authorization and its handler, in this order.

What handlers raise becomes a Status here and nowhere else; what nobody expected is logged and answered 500.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from knarr.apiserver.answers import NOT_FOUND, TOO_MANY, error_answer, plain_answer
from knarr.apiserver.audit import trails
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.bearers import RejectedError
from knarr.apiserver.authn.impersonation import mentioned, wanted
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Authorizer, Decision, Verdict, forbidden
from knarr.apiserver.authz.impersonating import Impersonated, Impersonation
from knarr.apiserver.compression import compressed
from knarr.apiserver.documents import Documents
from knarr.apiserver.ending import told_of_its_end
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.info import LONG_RUNNING, RequestInfo, parse
from knarr.apiserver.metrics import Labels, Metrics
from knarr.apiserver.metrics.access import Access
from knarr.apiserver.metrics.impersonation import ImpersonationFigures
from knarr.apiserver.pretty import prettied
from knarr.apiserver.request import APIRequest, audit_id, uri
from knarr.apiserver.verbs.answers import warned
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, InternalError, RequestEntityTooLarge, Unauthorized
from knarr.wire.limits import BODY_LIMIT
from knarr.wire.messages import Answer, Peer, Pieced, Request, Response, Streaming

if TYPE_CHECKING:
    from knarr.apiserver.audit.auditing import Audit  # with the first policy

log = logging.getLogger(__name__)

Handler = Callable[[APIRequest], Awaitable[Answer]]
Serve = Callable[[Request, User], Awaitable[Answer]]
LOCAL = "127.0.0.1"  # where requests come from that no network has brought
_READS = ("GET", "HEAD")
_NOTHING: Mapping[str, str] = {}


class Resources(Protocol):
    """The verbs on resources."""

    async def handle(self, request: APIRequest) -> Answer: ...

    def addressed(self, info: RequestInfo) -> object | None:
        """What is at the address, None where nobody knows. Raises APIError where there can be nothing."""
        ...


class Application:
    """The chain. `handlers` stand before the verbs, by (resource.group, subresource); before all of these `elsewhere`,
    which knows the paths that other servers answer.
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        authorizer: Authorizer,
        resources: Resources,
        documents: Documents,
        metrics: Metrics,
        clock: Clock,
        flow: FlowControl,
        handlers: Mapping[tuple[str, str], Handler] | None = None,
        elsewhere: Callable[[Request, User], Awaitable[Answer] | None] = lambda request, user: None,
        audit: Audit | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._impersonation = Impersonation(authorizer, ImpersonationFigures(metrics, clock))
        self._resources = resources
        self._documents = documents
        self._metrics = metrics
        self._clock = clock
        self._access = Access(metrics)
        self._flow = flow
        self._handlers = dict(handlers or {})
        self._elsewhere = elsewhere
        self._audit = audit

    def __call__(self, request: Request, peer: Peer) -> Awaitable[Answer]:
        """Answer a request from the network."""
        return self._received(request, peer, self._serve)

    def oversized(self, request: Request, peer: Peer) -> Awaitable[Answer]:
        """Answer a request whose body was above the server's limit."""
        return self._received(request, peer, self._too_large)

    def stop(self) -> None:
        """Fail /readyz from now on: what comes still is answered."""
        self._documents.stop()

    async def serve(self, request: Request, user: User) -> Answer:
        """Answer an authenticated request of this process, when it is its turn."""
        return await self._recorded(request, user, LOCAL, self._serve)

    async def _received(self, request: Request, peer: Peer, serve: Serve) -> Answer:
        started = self._clock.monotonic()
        if self._audit:
            request = self._audit.receive(request)
        try:
            found = await self._authenticator.authenticate(request, peer)
        except Unauthorized as error:
            rejected = isinstance(error, RejectedError)
            self._access.attempts["error" if rejected else "failure"].observe(self._clock.monotonic() - started)
            return prettied(_finish(await self._unauthorized(error, request, peer), request), request)
        seconds = self._clock.monotonic() - started
        self._access.believed.observe(seconds)
        trails.spent("authentication", seconds)
        self._access.of(found.user.name).n += 1
        answer = await self._recorded(found.request, found.user, peer.address, serve)
        return await compressed(prettied(warned(answer, found.warnings), request), request)

    def _recorded(self, request: Request, user: User, address: str, serve: Serve) -> Awaitable[Answer]:
        """`address` is where it comes from."""
        return self._audit.around(request, user, address, serve) if self._audit else serve(request, user)

    async def _too_large(self, request: Request, user: User) -> Answer:
        error = RequestEntityTooLarge(f"Request entity too large: limit is {BODY_LIMIT}")
        info = parse(request.method, request.path, request.query)
        return _finish(self._counted(request, info, error_answer(error, request), self._clock.monotonic()), request)

    async def _unauthorized(self, error: Unauthorized, request: Request, peer: Peer) -> Answer:
        answer = error_answer(error, request)
        if self._audit:
            await self._audit.refuse(request, peer.address, answer)
        return answer

    async def _serve(self, request: Request, user: User) -> Answer:
        started = self._clock.monotonic()
        info = parse(request.method, request.path, request.query)
        if fields := mentioned(request.headers):
            try:
                user = (await self._impersonated(request, info, user)).user
            except APIError as error:
                return _finish(self._counted(request, info, error_answer(error, request), started), request)
            request = request.without(fields)
        passage = self._flow.enter(user, info, request, started)
        if passage is None:
            return _finish(await self._answer(request, info, user, started), request)
        if not passage.runs and not await self._flow.turn(passage):
            answer = self._counted(request, info, TOO_MANY, started)
            self._metrics.terminated(_labels(info, ""), TOO_MANY.status)
        else:
            try:
                answer = await self._answer(request, info, user, started)
            finally:
                self._flow.leave(passage, self._clock.monotonic())
        return _finish(answer, request, passage.flow.headers)

    async def _impersonated(self, request: Request, info: RequestInfo, user: User) -> Impersonated:
        """Whom the request is made as. Raises BadRequest and Forbidden."""
        if (other := wanted(request)) is None:
            return Impersonated(user)
        started = self._clock.monotonic()
        found = await self._impersonation.act(user, other, info)
        trails.spent("impersonation", self._clock.monotonic() - started)
        trails.impersonated(*found)
        return found

    async def _answer(self, request: Request, info: RequestInfo, user: User, started: float) -> Answer:
        inflight, kind = self._metrics.inflight, "readOnly" if request.method in _READS else "mutating"
        inflight[kind] += 1
        try:
            decision = self._authorizer.at_once(user, info) or await self._authorizer.authorize(user, info)
            answer = self._refusal(decision, user, info, request) or await self._dispatch(request, info, user)
        except APIError as error:
            answer = error_answer(error, request)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            trails.failed(error)
            answer = error_answer(_internal(error), request)
        finally:
            inflight[kind] -= 1
        return self._counted(request, info, answer, started)

    def _refusal(self, decision: Decision, user: User, info: RequestInfo, request: Request) -> Response | None:
        """The answer to who may not, and where nobody could say so. Raises Forbidden."""
        if decision.verdict is Verdict.ALLOW:
            self._access.allowed.n += 1
            trails.authorized("allow", decision.reason)
            return None
        if decision.error:
            self._access.failed.n += 1
            trails.authorized("", "internal error")
            return plain_answer(f'Internal Server Error: "{uri(request)}": {decision.error}\n', 500)
        (self._access.denied if decision.verdict is Verdict.DENY else self._access.undecided).n += 1
        trails.authorized("forbid", decision.reason)
        raise forbidden(user, info, decision.reason)

    async def _dispatch(self, request: Request, info: RequestInfo, user: User) -> Answer:
        if request.path.startswith("//"):  # upstream's routes begin with one
            return NOT_FOUND
        if (answer := self._elsewhere(request, user)) is not None:
            return await answer
        if not info.is_resource:
            return await self._documents.answer(request)
        parsed = APIRequest(request, info, user, request.parameters() if request.query else {})
        handle = self._handlers.get((info.qualified_resource, info.subresource))
        if handle is None:
            return await self._resources.handle(parsed)
        return await handle(parsed) if self._resources.addressed(info) else NOT_FOUND

    def _counted(self, request: Request, info: RequestInfo, answer: Answer, started: float) -> Answer:
        labels = _labels(info, "All" if "dryRun" in request.query else "")
        if isinstance(answer, Response | Pieced):
            seconds = self._clock.monotonic() - started
            size = len(answer.body) if isinstance(answer, Response) else answer.size
            self._metrics.answered(labels, answer.status, seconds, size)
            return answer
        code = answer.status if isinstance(answer, Streaming) else 101
        return told_of_its_end(answer, self._metrics.goes_on(labels, code))


def _finish(answer: Answer, request: Request, also: Mapping[str, str] = _NOTHING) -> Answer:
    """Every answer's own headers: the audit id, the caller's where it gave one, that nothing may be cached, and by
    which flow it came.
    """
    common = {"audit-id": audit_id(request), "cache-control": "no-cache, private", **also}
    if isinstance(answer, Response):
        return Response(answer.status, {**common, **answer.headers}, answer.body)
    return replace(answer, headers={**common, **answer.headers})


def _internal(error: Exception) -> InternalError:
    return InternalError(f"Internal error occurred: {type(error).__name__}")


_VERBS = {"create": "POST", "update": "PUT", "deletecollection": "DELETECOLLECTION"}


def _labels(info: RequestInfo, dry_run: str) -> Labels:
    verb = _VERBS.get(info.verb) or info.verb.upper()
    if not info.is_resource:
        return Labels(verb, "", "", "", info.path.split("/", 2)[1] if "/" in info.path else "", "", dry_run)
    if info.subresource in LONG_RUNNING:
        verb = "CONNECT"
    named = info.name and info.verb not in ("list", "watch")
    scope = "resource" if named else "namespace" if info.namespace else "cluster"
    return Labels(verb, info.group, info.version, info.resource, info.subresource, scope, dry_run)
