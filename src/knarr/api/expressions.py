"""The CEL expressions of admission: what they may name, and what is wrong with one.

Policies and the match conditions of webhooks share them.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#validation-expression
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from knarr.api.kind import JSON
from knarr.machinery.cel import (
    BOOL,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    CelType,
    CompileError,
    Environment,
    Program,
    list_of,
    map_of,
    object_of,
)
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many
from knarr.machinery.names import qualified_name

_MOST_CONDITIONS = 64
_KIND = object_of("kubernetes.GroupVersionKind", dict.fromkeys(("group", "version", "kind"), STRING))
_RESOURCE = object_of("kubernetes.GroupVersionResource", dict.fromkeys(("group", "version", "resource"), STRING))
USER = object_of(
    "kubernetes.UserInfo",
    {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(STRING, list_of(STRING))},
)
REQUEST = object_of(
    "kubernetes.AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        **dict.fromkeys(("subResource", "requestSubResource", "name", "namespace", "operation"), STRING),
        "userInfo": USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_METADATA = object_of(
    "kubernetes.NamespaceMetadata",
    {
        **dict.fromkeys(("name", "generateName", "namespace", "UID", "resourceVersion"), STRING),
        "labels": map_of(STRING, STRING),
        "annotations": map_of(STRING, STRING),
        "creationTimestamp": TIMESTAMP,
        "deletionTimestamp": TIMESTAMP,
        "deletionGracePeriodSeconds": INT,
        "generation": INT,
        "finalizers": list_of(STRING),
    },
)
NAMESPACE = object_of(
    "kubernetes.Namespace",
    {
        "metadata": _METADATA,
        "spec": object_of("kubernetes.NamespaceSpec", {"finalizers": list_of(STRING)}),
        "status": object_of("kubernetes.NamespaceStatus", {"phase": STRING}),
    },
)
_AUTHORIZER = "kubernetes.authorization"
AUTHORIZER = {
    "authorizer": CelType(f"{_AUTHORIZER}.Authorizer"),
    "authorizer.requestResource": CelType(f"{_AUTHORIZER}.ResourceCheck"),
}
_COMMON: Mapping[str, CelType] = {"object": DYN, "oldObject": DYN, "request": REQUEST, "namespaceObject": NAMESPACE}


class ExpressionError(ValueError):
    """An expression that cannot be used; `str()` is the detail of its field error."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name besides `object`, `oldObject`, `request` and `namespaceObject`.

    `variables` are the policy's own, by their names; None where there can be none.
    """

    params: bool = False
    authorizer: bool = True
    variables: tuple[tuple[str, CelType], ...] | None = None

    def environment(self, **types: CelType) -> Environment:
        """The environment; `types` are what is known of `object` or `params` beyond their names."""
        found = {**_COMMON, **(AUTHORIZER if self.authorizer else {}), **({"params": DYN} if self.params else {})}
        if self.variables is not None:
            found["variables"] = object_of("kubernetes.variables", dict(self.variables))
        return Environment({**found, **types})

    def with_variable(self, name: str, type: CelType) -> Scope:
        return replace(self, variables=(*(self.variables or ()), (name, type)))


@lru_cache(maxsize=512)
def _environment(scope: Scope) -> Environment:
    return scope.environment()


@lru_cache(maxsize=2048)
def compiled(text: str, scope: Scope, returns: tuple[CelType, ...] = ()) -> Program:
    """The program of an expression of one of these types (any, where none is named). Raises ExpressionError."""
    return compiled_in(_environment(scope), text, returns)


def compiled_conditions(conditions: Sequence[JSON], scope: Scope) -> tuple[Program, ...]:
    """The programs of match conditions, in their order. Raises ExpressionError."""
    return tuple(compiled(condition["expression"].strip(), scope, (BOOL,)) for condition in conditions)


def compiled_in(environment: Environment, text: str, returns: Sequence[CelType]) -> Program:
    """The same in an environment of one's own. Raises ExpressionError."""
    try:
        program = environment.compile(text)
    except CompileError as error:
        raise ExpressionError(f"compilation failed: {error}") from None
    if returns and program.type not in returns:
        raise ExpressionError(f"must evaluate to {_named(returns)}")
    return program


def _named(returns: Sequence[CelType]) -> str:
    names = ["null_type" if returned == NULL else str(returned) for returned in returns]
    return names[0] if len(names) == 1 else f"one of [{' '.join(names)}]"


def check(path: str, text: str, scope: Scope, *returns: CelType) -> Iterable[FieldError]:
    """What is wrong with the expression at a path."""
    try:
        compiled(text, scope, returns)
    except ExpressionError as error:
        yield invalid(path, text, str(error))


def match_conditions(path: str, conditions: Sequence[JSON], *, params: bool = False) -> Iterable[FieldError]:
    """Conditions of a webhook or policy: named, at most 64, true or false."""
    scope, seen = Scope(params), set[str]()
    if len(conditions) > _MOST_CONDITIONS:
        yield too_many(path, len(conditions), _MOST_CONDITIONS)
    for index, condition in enumerate(conditions):
        at, name = f"{path}[{index}]", condition.get("name") or ""
        yield from _condition(at, (condition.get("expression") or "").strip(), name, scope)
        if name and name in seen:
            yield duplicate(f"{at}.name", name)
        seen.add(name)


def _condition(path: str, expression: str, name: str, scope: Scope) -> Iterable[FieldError]:
    if expression:
        yield from check(f"{path}.expression", expression, scope, BOOL)
    else:
        yield required(f"{path}.expression")
    if name:
        yield from (invalid(f"{path}.name", name, message) for message in qualified_name(name))
    else:
        yield required(f"{path}.name")
