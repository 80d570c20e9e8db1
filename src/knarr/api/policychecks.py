"""What is wrong with the expressions of an admission policy, in upstream's words."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable

from knarr.api.checks import member
from knarr.api.expressions import ExpressionError, Scope, check, compiled, match_conditions
from knarr.api.kind import JSON
from knarr.api.mutations import check_mutation
from knarr.api.policies import changeable
from knarr.machinery.cel import BOOL, DYN, NULL, STRING
from knarr.machinery.cel.names import is_identifier
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_MOST_ANNOTATIONS, _LONGEST_ANNOTATION = 20, 5 * 1024  # the latter in bytes of an expression
_NEW_LINE = re.compile(r"[\n\r]")


def validating_policy(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _common(spec, path)
    scope = yield from _variables(spec, path)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        for field in ("validations", "auditAnnotations"):
            yield required(f"{path}.{field}", "validations or auditAnnotations must contain at least one item")
    for index, validation in enumerate(spec.get("validations") or ()):
        yield from _validation(validation, f"{path}.validations[{index}]", scope)
    yield from _annotations(spec, f"{path}.auditAnnotations", scope)


def mutating_policy(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _common(spec, path)
    scope = yield from _variables(spec, path)
    yield from changeable(spec.get("matchConstraints") or {}, f"{path}.matchConstraints")
    if not spec.get("mutations"):
        yield required(f"{path}.mutations", "mutations must contain at least one item")
    for index, mutation in enumerate(spec.get("mutations") or ()):
        yield from check_mutation(mutation, f"{path}.mutations[{index}]", scope)


def _common(spec: JSON, path: str) -> Iterable[FieldError]:
    """What both kinds of policy have."""
    constraints = spec.get("matchConstraints")
    if constraints is None:
        yield required(f"{path}.matchConstraints")
    elif not constraints.get("resourceRules"):
        yield required(f"{path}.matchConstraints.resourceRules")
    conditions = spec.get("matchConditions") or ()
    yield from match_conditions(f"{path}.matchConditions", conditions, params="paramKind" in spec)


def _variables(spec: JSON, path: str) -> Generator[FieldError, None, Scope]:
    """Errors of the variables; returns the scope that they make."""
    scope = scope_of(spec)
    for index, variable in enumerate(spec.get("variables") or ()):
        at, name, expression = (
            f"{path}.variables[{index}]",
            variable.get("name") or "",
            variable.get("expression") or "",
        )
        if not name.strip():
            yield required(f"{at}.name", "name is not specified")
        elif not is_identifier(name):
            yield invalid(f"{at}.name", name, "name is not a valid CEL identifier")
        if not expression.strip():
            yield required(f"{at}.expression", "expression is not specified")
            continue
        yield from check(f"{at}.expression", expression, scope)
        scope = with_variable(scope, name, expression)
    return scope


def scope_of(spec: JSON) -> Scope:
    """What a policy's expressions may name, before its variables."""
    return Scope("paramKind" in spec, variables=() if spec.get("variables") else None)


def with_variable(scope: Scope, name: str, expression: str) -> Scope:
    """The scope behind a variable; one that is wrong has any type."""
    try:
        return scope.with_variable(name, compiled(expression, scope).type)
    except ExpressionError:
        return scope.with_variable(name, DYN)


def _validation(validation: JSON, path: str, scope: Scope) -> Iterable[FieldError]:
    expression, message = validation.get("expression") or "", validation.get("message") or ""
    composed = validation.get("messageExpression") or ""
    if expression.strip():
        yield from check(f"{path}.expression", expression, scope, BOOL)
    else:
        yield required(f"{path}.expression", "expression is not specified")
    if composed.strip():
        silent = Scope(scope.params, authorizer=False, variables=scope.variables)
        yield from check(f"{path}.messageExpression", composed, silent, STRING)
    elif composed:
        yield invalid(f"{path}.messageExpression", composed, "must be non-empty if specified")
    if message and not message.strip():
        yield invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif _NEW_LINE.search(message.strip()):
        yield invalid(f"{path}.message", message, "message must not contain line breaks")
    if "reason" in validation:
        yield from member(f"{path}.reason", validation["reason"], _REASONS)


def _annotations(spec: JSON, path: str, scope: Scope) -> Iterable[FieldError]:
    annotations, seen = spec.get("auditAnnotations") or (), set[str]()
    if len(annotations) > _MOST_ANNOTATIONS:
        yield invalid(path, annotations, f"must not have more than {_MOST_ANNOTATIONS} auditAnnotations")
    for index, annotation in enumerate(annotations):
        at, expression = f"{path}[{index}]", (annotation.get("valueExpression") or "").strip()
        if not expression:
            yield required(f"{at}.valueExpression", "valueExpression is not specified")
        elif len(expression.encode()) > _LONGEST_ANNOTATION:
            yield required(f"{at}.valueExpression", f"must not exceed {_LONGEST_ANNOTATION} bytes in length")
        else:
            yield from check(f"{at}.valueExpression", expression, scope, STRING, NULL)
        if (key := annotation.get("key")) in seen:
            yield duplicate(f"{at}.key", key)
        seen.add(key)
