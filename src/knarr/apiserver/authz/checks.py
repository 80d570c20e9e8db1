"""What is wrong with an AuthorizationConfiguration, in upstream's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from knarr.api.expressions import ExpressionError
from knarr.apiserver.authz.fields import (
    MODES,
    WEBHOOK,
    AuthorizerFields,
    ConnectionInfo,
    Fields,
    MatchCondition,
    WebhookFields,
    name_of,
)
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, not_supported, required, too_many
from knarr.machinery.names import dns1123_subdomain
from knarr.machinery.times import TimeError, parse_duration

_MOST_CONDITIONS = 64
_LONGEST = 30.0  # seconds of a call
_FILE, _CLUSTER = "KubeConfigFile", "InClusterConfig"


def check(fields: Fields) -> list[str]:
    """The problems; where the fields are right, those with the names that only webhooks may choose."""
    if errors := list(_authorizers(fields.authorizers)):
        return [str(error) for error in errors]
    return [
        f"expected name {name_of(given.type)} for authorizer {given.type} instead of {given.name}"
        for given in fields.authorizers
        if given.type != WEBHOOK and given.name != name_of(given.type)
    ]


def _authorizers(authorizers: Sequence[AuthorizerFields]) -> Iterator[FieldError]:
    if not authorizers:
        yield required("authorizers", "at least one authorization mode must be defined")
    types, names = set[str](), set[str]()
    for index, given in enumerate(authorizers):
        path = f"authorizers[{index}]"
        if error := _type(f"{path}.type", given.type, types):
            yield error
            continue
        types.add(given.type)
        yield from _name(f"{path}.name", given.name, names)
        names.add(given.name)
        if given.type == WEBHOOK:
            yield from _webhook(path, given.webhook) if given.webhook else (_no_webhook(path),)
        elif given.webhook:
            yield invalid(f"{path}.webhook", "non-null", "may only be specified when type=Webhook")


def _no_webhook(path: str) -> FieldError:
    return required(f"{path}.webhook", "required when type=Webhook")


def _type(path: str, type: str, seen: set[str]) -> FieldError | None:
    if not type:
        return required(path)
    if type not in MODES:
        return not_supported(path, type, MODES)
    return duplicate(path, type) if type in seen and type != WEBHOOK else None


def _name(path: str, name: str, seen: set[str]) -> Iterator[FieldError]:
    if not name:
        yield required(path)
    elif name in seen:
        yield duplicate(path, name)
    elif bad := dns1123_subdomain(name):
        yield invalid(path, name, f"authorizer name is invalid: {', '.join(bad)}")


def _webhook(path: str, given: WebhookFields) -> Iterator[FieldError]:
    """Upstream names the fields as if they were the authorizer's own."""
    yield from _lasting(f"{path}.timeout", given.timeout, _LONGEST)
    yield from _lasting(f"{path}.authorizedTTL", given.authorized_ttl)
    yield from _lasting(f"{path}.unauthorizedTTL", given.unauthorized_ttl)
    versions = ("v1", "v1beta1")
    yield from _one_of(f"{path}.subjectAccessReviewVersion", given.subject_access_review_version, versions)
    yield from _condition_version(path, given)
    yield from _one_of(f"{path}.failurePolicy", given.failure_policy, ("NoOpinion", "Deny"))
    yield from _connection(f"{path}.connectionInfo", given.connection_info)
    yield from _conditions(f"{path}.matchConditions", given.match_conditions)


def _lasting(path: str, text: str, most: float | None = None) -> Iterator[FieldError]:
    try:
        seconds = parse_duration(text) if text else 0.0
    except TimeError as error:
        yield invalid(path, text, str(error))
        return
    if seconds == 0:
        yield required(path)
    elif seconds < 0 or (most and seconds > most):
        yield invalid(path, text, f"must be > 0s and <= {most:g}s" if most else "must be > 0s")


def _one_of(path: str, value: str, supported: Sequence[str]) -> Iterator[FieldError]:
    if not value:
        yield required(path)
    elif value not in supported:
        yield not_supported(path, value, supported, in_order=True)


def _condition_version(path: str, given: WebhookFields) -> Iterator[FieldError]:
    path = f"{path}.matchConditionSubjectAccessReviewVersion"
    version = given.match_condition_subject_access_review_version
    if not version and given.match_conditions:
        yield required(path, "required if match conditions are specified")
    elif version not in ("", "v1"):
        yield not_supported(path, version, ("v1",))


def _connection(path: str, given: ConnectionInfo) -> Iterator[FieldError]:
    if given.type == _CLUSTER:
        yield invalid(f"{path}.type", _CLUSTER, "is for servers that ask this one, not for this one itself")
    elif given.type == _FILE:
        yield from _file(f"{path}.kubeConfigFile", given.kube_config_file or "")
    else:
        yield from _one_of(f"{path}.type", given.type, (_CLUSTER, _FILE))


def _file(path: str, name: str) -> Iterator[FieldError]:
    file = Path(name)
    if not name:
        yield required(path)
    elif not file.is_absolute():
        yield invalid(path, name, "must be an absolute path")
    elif not file.exists():
        yield invalid(path, name, f"error loading file: stat {name}: no such file or directory")
    elif not file.is_file():
        yield invalid(path, name, "must be a regular file")


def _conditions(path: str, conditions: Sequence[MatchCondition]) -> Iterator[FieldError]:
    if len(conditions) > _MOST_CONDITIONS:
        yield too_many(path, len(conditions), _MOST_CONDITIONS)
        return
    seen = set[str]()
    for index, condition in enumerate(conditions):
        at, text = f"{path}[{index}].expression", condition.expression
        if not text.strip():
            yield required(at)
        elif text in seen:
            yield duplicate(at, text)
        else:
            yield from _expression(at, text)
        seen.add(text)


def _expression(path: str, text: str) -> Iterator[FieldError]:
    from knarr.apiserver.authz.conditions import compiled  # the language is loaded with the first of them

    try:
        compiled(text)
    except ExpressionError as error:
        yield invalid(path, text, str(error))
