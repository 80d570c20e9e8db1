"""Policies and bindings, compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from knarr.api.expressions import ExpressionError, Scope, compiled, compiled_conditions
from knarr.api.kind import JSON
from knarr.api.mutations import compiled_mutation, expression_of
from knarr.api.policychecks import scope_of, with_variable
from knarr.apiserver.admission.matching import Matcher
from knarr.apiserver.policies.params import ParamKind, Params, param_kind, params_of
from knarr.machinery.cel import BOOL, NULL, STRING, Program


@dataclass(frozen=True, slots=True)
class Policy:
    """What both kinds of policy have. `variables` are in their order, each may name those before it."""

    name: str
    matcher: Matcher
    conditions: tuple[Program, ...]
    variables: tuple[tuple[str, Program], ...]
    params: ParamKind | None
    fails_open: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """A condition of a ValidatingAdmissionPolicy, and how to say that it does not hold."""

    program: Program
    message: str
    composed: Program | None
    reason: str


@dataclass(frozen=True, slots=True)
class Validating(Policy):
    """A ValidatingAdmissionPolicy; `annotations` are for the audit log, by their keys."""

    validations: tuple[Validation, ...]
    annotations: tuple[tuple[str, Program], ...]


@dataclass(frozen=True, slots=True)
class Mutating(Policy):
    """A MutatingAdmissionPolicy; `mutations` are programs by their patch types."""

    mutations: tuple[tuple[str, Program], ...]
    reinvoked: bool


@dataclass(frozen=True, slots=True)
class Broken(Policy):
    """A policy that was stored by a server which took its expressions, and that this one cannot compile."""

    why: str


@dataclass(frozen=True, slots=True)
class Binding:
    """`matcher` None: the policy's own is enough. `actions` are what a ValidatingAdmissionPolicy's failures lead to."""

    name: str
    policy: str
    matcher: Matcher | None
    params: Params | None
    actions: tuple[str, ...]


def binding_of(tree: JSON) -> Binding:
    spec = tree["spec"]
    resources = spec.get("matchResources")
    return Binding(
        name=tree["metadata"]["name"],
        policy=spec["policyName"],
        matcher=_matcher(resources) if resources else None,
        params=params_of(spec.get("paramRef")),
        actions=tuple(spec.get("validationActions") or ()),
    )


def _matcher(resources: JSON) -> Matcher:
    return Matcher(
        resources.get("resourceRules") or None,
        excluded=resources.get("excludeResourceRules") or (),
        equivalent=resources["matchPolicy"] == "Equivalent",
        namespaces=resources["namespaceSelector"],
        objects=resources["objectSelector"],
    )


def validating_of(tree: JSON) -> Validating:
    spec, (scope, variables) = tree["spec"], _variables(tree["spec"])
    annotations = [(a["key"], a["valueExpression"].strip()) for a in spec.get("auditAnnotations") or ()]
    return Validating(
        *_common(tree, variables),
        validations=tuple(_validation(given, scope) for given in spec.get("validations") or ()),
        annotations=tuple((key, compiled(text, scope, (STRING, NULL))) for key, text in annotations),
    )


def mutating_of(tree: JSON) -> Mutating:
    spec, (scope, variables) = tree["spec"], _variables(tree["spec"])
    mutations = [(given["patchType"], expression_of(given)) for given in spec["mutations"]]
    return Mutating(
        *_common(tree, variables),
        mutations=tuple((kind, compiled_mutation(kind, text, scope)) for kind, text in mutations),
        reinvoked=spec.get("reinvocationPolicy") == "IfNeeded",
    )


def _common(
    tree: JSON, variables: tuple[tuple[str, Program], ...]
) -> tuple[str, Matcher, tuple[Program, ...], tuple[tuple[str, Program], ...], ParamKind | None, bool]:
    """The fields of Policy, in their order."""
    spec = tree["spec"]
    return (
        tree["metadata"]["name"],
        _matcher(spec["matchConstraints"]),
        compiled_conditions(spec.get("matchConditions") or (), Scope("paramKind" in spec)),
        variables,
        param_kind(spec.get("paramKind")),
        spec.get("failurePolicy") == "Ignore",
    )


def _variables(spec: JSON) -> tuple[Scope, tuple[tuple[str, Program], ...]]:
    scope, found = scope_of(spec), []
    for given in spec.get("variables") or ():
        found.append((given["name"], compiled(given["expression"], scope)))
        scope = with_variable(scope, given["name"], given["expression"])
    return scope, tuple(found)


def _validation(given: JSON, scope: Scope) -> Validation:
    silent = Scope(scope.params, authorizer=False, variables=scope.variables)
    composed, program = given.get("messageExpression"), compiled(given["expression"], scope, (BOOL,))
    return Validation(
        program=program,
        message=given.get("message", "").strip() or f"failed expression: {program.text.strip()}",
        composed=compiled(composed, silent, (STRING,)) if composed else None,
        reason=given.get("reason", "Invalid"),
    )


P = TypeVar("P", bound=Policy)


def policy_of(tree: JSON, make: Callable[[JSON], P]) -> P | Broken:
    """What `make` compiles of a stored policy, or why it cannot."""
    try:
        return make(tree)
    except ExpressionError as error:
        bare = {**tree["spec"], "matchConditions": ()}
        return Broken(*_common({**tree, "spec": bare}, ()), why=str(error))
