"""Reviews: questions that a user asks about itself, answered and never stored.

`kubectl auth whoami` is a SelfSubjectReview, `kubectl auth can-i` a SelfSubjectAccessReview.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from typing import Any

import msgspec

from knarr.api.kind import Kind, Version
from knarr.apiserver import media
from knarr.apiserver.answers import json_answer
from knarr.apiserver.app import Handler
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Authorizer, Verdict
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.request import APIRequest
from knarr.machinery.errors import BadRequest, Invalid, MethodNotAllowed
from knarr.machinery.fielderrors import invalid
from knarr.wire.messages import Answer, Request

JSON = dict[str, Any]

KINDS = (
    Kind(
        kind="SelfSubjectReview",
        plural="selfsubjectreviews",
        group="authentication.k8s.io",
        versions=(Version("v1", "io.k8s.api.authentication.v1.SelfSubjectReview"),),
        namespaced=False,
        verbs=("create",),
    ),
    Kind(
        kind="SelfSubjectAccessReview",
        plural="selfsubjectaccessreviews",
        group="authorization.k8s.io",
        versions=(Version("v1", "io.k8s.api.authorization.v1.SelfSubjectAccessReview"),),
        namespaced=False,
        verbs=("create",),
    ),
)


class _Resource(msgspec.Struct):
    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""


class _Path(msgspec.Struct):
    path: str = ""
    verb: str = ""


class _Question(msgspec.Struct, rename="camel"):
    resource_attributes: _Resource | None = None
    non_resource_attributes: _Path | None = None


class _AccessReview(msgspec.Struct):
    spec: _Question = msgspec.field(default_factory=_Question)


def reviews(authorizer: Authorizer) -> dict[tuple[str, str], Handler]:
    """The handlers, for `Application(handlers=...)`."""

    async def may_i(request: APIRequest) -> Answer:
        question = _question(request)
        decision = authorizer.authorize(request.user, _asked(question))
        status: JSON = {"allowed": decision.verdict is Verdict.ALLOW}
        if decision.verdict is Verdict.DENY:
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        spec = {key: value for key, value in msgspec.to_builtins(question).items() if value}
        return _created("authorization.k8s.io/v1", "SelfSubjectAccessReview", spec=spec, status=status)

    return {
        ("selfsubjectreviews.authentication.k8s.io", ""): who_am_i,
        ("selfsubjectaccessreviews.authorization.k8s.io", ""): may_i,
    }


async def who_am_i(request: APIRequest) -> Answer:
    """The caller's identity. The body says nothing, so that it may come in any media type."""
    _require_create(request)
    status = {"userInfo": _user_info(request.user)}
    return _created("authentication.k8s.io/v1", "SelfSubjectReview", status=status)


def _user_info(user: User) -> JSON:
    found: JSON = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": dict(user.extra)}
    return {key: value for key, value in found.items() if value}


def _question(request: APIRequest) -> _Question:
    _require_create(request)
    question = _decode(request.http)
    if (question.resource_attributes is None) == (question.non_resource_attributes is None):
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        given = msgspec.to_builtins(question.resource_attributes)
        errors = [invalid("spec.resourceAttributes", given, detail)]
        raise Invalid.of("authorization.k8s.io", "SelfSubjectAccessReview", "", errors)
    return question


def _decode(http: Request) -> _Question:
    """The body's spec, from any media type: newer kubectls speak protobuf here."""
    definition = "io.k8s.api.authorization.v1.SelfSubjectAccessReview"
    body = media.to_json(http.headers.get("content-type", ""), http.body, definition)
    try:
        return msgspec.json.decode(body, type=_AccessReview).spec
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        text = f"SelfSubjectAccessReview in version v1 cannot be handled as a SelfSubjectAccessReview: {error}"
        raise BadRequest(text) from None


def _require_create(request: APIRequest) -> None:
    if request.info.verb != "create":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")


def _asked(question: _Question) -> RequestInfo:
    """The question as the request that it is about."""
    if path := question.non_resource_attributes:
        return RequestInfo(path.verb, path=path.path)
    asked = question.resource_attributes or _Resource()
    return RequestInfo(
        verb=asked.verb,
        group=asked.group,
        version=asked.version,
        resource=asked.resource,
        subresource=asked.subresource,
        namespace=asked.namespace,
        name=asked.name,
        is_resource=True,
    )


def _created(api_version: str, kind: str, **parts: JSON) -> Answer:
    return json_answer({"kind": kind, "apiVersion": api_version, "metadata": {"creationTimestamp": None}, **parts}, 201)
