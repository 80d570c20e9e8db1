"""Types of a ValidatingAdmissionPolicy's expressions, held against the schemas of what the policy is about.

`object` has any type when the policy is written, so what is wrong here is only warned of, in the policy's status.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from knarr.api.definitiontypes import type_of_custom, type_of_definition
from knarr.api.expressions import Scope
from knarr.api.kind import JSON
from knarr.api.kinds.table import KINDS
from knarr.machinery.cel import DYN, CelType, CompileError, Environment

_MOST_TYPES = 10


@dataclass(frozen=True, slots=True)
class _Known:
    """A kind, and how to come by its type."""

    group: str
    version: str
    plural: str
    kind: str
    make: Callable[[], CelType]

    def __str__(self) -> str:
        return f"{self.group}/{self.version}, Kind={self.kind}"


def needs_definitions(spec: JSON) -> bool:
    """Whether the policy is about something that is not built in."""
    builtin = {kind.group for kind in KINDS}
    return not {group for group, *_ in _resources(spec)} | {_param_kind(spec)[0]} <= builtin


def warnings(spec: JSON, definitions: Sequence[JSON]) -> list[JSON]:
    """The ExpressionWarnings of a policy; `definitions` are the CustomResourceDefinitions, if it needs any."""
    known = [*_builtin(), *_custom(definitions)]
    asked = set(_resources(spec))
    types = [each for each in known if (each.group, each.version, each.plural) in asked]
    types.sort(key=lambda each: (each.group, each.version, each.kind))
    params = next((each for each in known if (each.group, each.version, each.kind) == _param_kind(spec)), None)
    environments = [(each, _environment(spec, each, params)) for each in types[:_MOST_TYPES]]
    found = []
    for path, expression in _expressions(spec):
        texts = [text for name, environment in environments for text in _issues(name, environment, expression)]
        if texts:
            found.append({"fieldRef": path, "warning": "\n".join(texts)})
    return found


def _resources(spec: JSON) -> Iterator[tuple[str, str, str]]:
    """Group, version and plural of what the rules name without a wildcard."""
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
        plain = [resource for resource in rule.get("resources") or () if not set("*/") & set(resource)]
        if "*" not in (*groups, *versions):
            yield from product(groups, versions, plain)


def _param_kind(spec: JSON) -> tuple[str, str, str]:
    given = spec.get("paramKind") or {}
    group, _, version = str(given.get("apiVersion", "")).rpartition("/")
    return group, version, given.get("kind", "")


def _builtin() -> Iterator[_Known]:
    for kind in KINDS:
        for version in kind.versions:
            make = partial(type_of_definition, version.definition)
            yield _Known(kind.group, version.name, kind.plural, kind.kind, make)


def _custom(definitions: Iterable[JSON]) -> Iterator[_Known]:
    for definition in definitions:
        spec = definition["spec"]
        names = spec["names"]
        for version in spec["versions"]:
            schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
            make = partial(type_of_custom, schema)
            yield _Known(spec["group"], version["name"], names["plural"], names["kind"], make)


def _expressions(spec: JSON) -> Iterator[tuple[str, str]]:
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            if validation.get(field):
                yield f"spec.validations[{index}].{field}", validation[field]


def _environment(spec: JSON, about: _Known, params: _Known | None) -> Environment:
    known = {"object": about.make(), "oldObject": about.make(), **({"params": params.make()} if params else {})}
    variables: Sequence[JSON] = spec.get("variables") or ()
    scope = Scope("paramKind" in spec, variables=() if variables else None)
    for variable in variables:
        environment = scope.environment(**known)
        scope = scope.with_variable(variable["name"], _type_of(environment, variable["expression"]))
    return scope.environment(**known)


def _type_of(environment: Environment, expression: str) -> CelType:
    try:
        return environment.compile(expression).type
    except CompileError:
        return DYN


def _issues(name: _Known, environment: Environment, expression: str) -> Iterable[str]:
    try:
        environment.compile(expression)
    except CompileError as error:
        yield f"{name}: {error}\n"
