"""Reviews: questions about identities and rights, answered and never stored.

`kubectl auth whoami` is a SelfSubjectReview, `auth can-i` a SelfSubjectAccessReview, `auth can-i --list` a
SelfSubjectRulesReview; kubelets and extensions ask TokenReviews and SubjectAccessReviews about their callers.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.admission.admission import Waived
from knarr.apiserver.app import Handler
from knarr.apiserver.authn.bearers import InvalidTokenError, TokenUnion
from knarr.apiserver.authn.users import User, user_info
from knarr.apiserver.authz.asking import asked, ignored
from knarr.apiserver.authz.authorizer import Authorizer, Verdict
from knarr.apiserver.registry import Registry
from knarr.apiserver.request import APIRequest
from knarr.apiserver.verbs import bodies
from knarr.apiserver.verbs.answers import tree_answer
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.objectmeta import settle_namespace
from knarr.machinery.errors import BadRequest, Invalid, MethodNotAllowed, NotFound, aggregate
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.times import format_time
from knarr.wire.messages import Answer

_AUTHN, _AUTHZ = "authentication.k8s.io", "authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Judges:
    """Who knows the answers; `audiences` are the server's own."""

    registry: Registry
    authorizer: Authorizer
    tokens: TokenUnion
    audiences: Sequence[str]


Answering = Callable[[Judges, JSON, Call], Awaitable[JSON]]
Checking = Callable[[JSON, Call], Iterable[FieldError]]
# What the server drops of metadata before it is looked at.
_DROPPED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields")


@dataclass(frozen=True, slots=True)
class Review:
    """A sort of question: `check` tells what is wrong with its spec, `status` makes the answer out of it, and raises
    APIError. `bare` says what metadata must be, where there is to be none. A `dated` answer tells when it was given,
    and nothing of what was sent.
    """

    kind: Kind
    status: Answering
    check: Checking = lambda spec, call: ()
    bare: str = ""
    dated: bool = False


def reviews(judges: Judges) -> dict[tuple[str, str], Handler]:
    """The handlers, for `Application(handlers=...)`."""
    return {(review.kind.qualified_resource, ""): partial(_answer, review, judges) for review in REVIEWS}


async def _answer(review: Review, judges: Judges, request: APIRequest) -> Answer:
    if request.info.version != review.kind.storage_version.name:
        raise NotFound("the server could not find the requested resource")
    if request.info.verb != "create" or request.info.name:
        raise MethodNotAllowed
    call = Call(judges.registry, request, review.kind, review.kind.storage_version, Waived())
    tree = bodies.read_object(call)
    metadata = _addressed(call, tree.get("metadata") or {})
    spec = tree.get("spec") or {}
    wrong = [*review.check(spec, call), *_dressed(review, metadata)]
    if wrong:
        raise Invalid.of(call.kind.group, call.kind.kind, "", wrong)
    status = await review.status(judges, spec, call)
    if review.dated:
        metadata = {"creationTimestamp": format_time(judges.registry.clock.now())}
    return tree_answer(call, {**tree, "metadata": metadata, "status": status}, 201, views=frozenset())


def _addressed(call: Call, metadata: JSON) -> JSON:
    """Without what the server drops, in the namespace of the request. Raises BadRequest."""
    kept = {name: value for name, value in metadata.items() if name not in (*_DROPPED, "namespace")}
    if call.kind.namespaced:
        settle_namespace(metadata, call.namespace)
        kept["namespace"] = call.namespace
    return kept


def _dressed(review: Review, metadata: JSON) -> Iterator[FieldError]:
    if review.bare and any(value for name, value in metadata.items() if name != "namespace"):
        yield invalid("metadata", metadata, review.bare)


async def _who_am_i(judges: Judges, spec: JSON, call: Call) -> JSON:
    return {"userInfo": user_info(call.request.user)}


async def _may_i(judges: Judges, spec: JSON, call: Call) -> JSON:
    return await _decision(judges, call.request.user, spec, call)


async def _may_they(judges: Judges, spec: JSON, call: Call) -> JSON:
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    user = User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)
    return await _decision(judges, user, spec, call)


def _check_question(spec: JSON, call: Call) -> list[FieldError]:
    return asked(spec)[1]


def _check_subject(spec: JSON, call: Call) -> Iterator[FieldError]:
    yield from _check_question(spec, call)
    if not spec.get("user") and not spec.get("groups"):
        yield invalid("spec.user", "", "at least one of user or group must be specified")


def _check_here(spec: JSON, call: Call) -> Iterator[FieldError]:
    yield from _check_subject(spec, call)
    about, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if about is not None and (where := about.get("namespace", "")) != call.namespace:
        yield invalid("spec.resourceAttributes.namespace", where, "must match metadata.namespace")
    if path is not None:
        yield invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")


async def _decision(judges: Judges, user: User, spec: JSON, call: Call) -> JSON:
    info, _ = asked(spec)
    decision = await judges.authorizer.authorize(user, info)
    status: JSON = {"allowed": decision.verdict is Verdict.ALLOW}
    if decision.verdict is Verdict.DENY:
        status["denied"] = True
    errors = aggregate([*([decision.error] if decision.error else ()), *ignored(spec)])
    said = {"reason": decision.reason, "evaluationError": errors}
    return {**status, **{name: text for name, text in said.items() if text}}


async def _what_may_i(judges: Judges, spec: JSON, call: Call) -> JSON:
    if not spec.get("namespace"):
        raise BadRequest("no namespace on request")
    held = judges.authorizer.held(call.request.user, spec["namespace"])
    paths = [rule for rule in held.rules if rule.get("nonResourceURLs")]
    status: JSON = {
        "resourceRules": [rule for rule in held.rules if not rule.get("nonResourceURLs")],
        "nonResourceRules": paths,
        "incomplete": held.incomplete,
    }
    return {**status, "evaluationError": held.error} if held.errors else status


async def _whose_is_it(judges: Judges, spec: JSON, call: Call) -> JSON:
    if not spec.get("token"):
        raise BadRequest("token is required for TokenReview in authentication")
    audiences = spec.get("audiences") or judges.audiences
    try:
        found = await judges.tokens.authenticate(spec["token"], audiences)
    except InvalidTokenError as error:
        return {"user": {}, "error": str(error)}
    return {"authenticated": True, "user": user_info(found.user), "audiences": found.audiences}


def _review(kind: str, group: str, status: Answering, *, namespaced: bool = False, **more: Any) -> Review:
    definition = f"io.k8s.api.{group.partition('.')[0]}.v1.{kind}"
    versions = (Version("v1", definition),)
    served = Kind(kind, f"{kind.lower()}s", versions, group, namespaced=namespaced, verbs=("create",))
    return Review(served, status, **more)


_BARE, _ALMOST = "must be empty", "must be empty except for namespace"
REVIEWS: tuple[Review, ...] = (
    _review("SelfSubjectReview", _AUTHN, _who_am_i, dated=True),
    _review("TokenReview", _AUTHN, _whose_is_it),
    _review("LocalSubjectAccessReview", _AUTHZ, _may_they, namespaced=True, check=_check_here, bare=_ALMOST),
    _review("SelfSubjectAccessReview", _AUTHZ, _may_i, check=_check_question, bare=_BARE),
    _review("SelfSubjectRulesReview", _AUTHZ, _what_may_i),
    _review("SubjectAccessReview", _AUTHZ, _may_they, check=_check_subject, bare=_BARE),
)
KINDS = tuple(review.kind for review in REVIEWS)
