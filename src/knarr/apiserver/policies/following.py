"""Policies and their bindings as they are now, compiled once per change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from knarr.api.expressions import ExpressionError, Scope, compiled
from knarr.api.kind import JSON
from knarr.api.mutations import compiled_mutation, expression_of
from knarr.api.policychecks import scope_of, with_variable
from knarr.apiserver.admission.matching import Match, Matcher
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.followed import Followed
from knarr.apiserver.policies.params import ParamKind, Params, ParamsError, param_kind, params_of
from knarr.apiserver.registry import Registry
from knarr.machinery.cel import BOOL, NULL, STRING, Program
from knarr.machinery.errors import NotFound

GROUP = "admissionregistration.k8s.io"


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
    scope = Scope("paramKind" in spec)
    conditions = (condition["expression"].strip() for condition in spec.get("matchConditions") or ())
    return (
        tree["metadata"]["name"],
        _matcher(spec["matchConstraints"]),
        tuple(compiled(text, scope, (BOOL,)) for text in conditions),
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


def _made(make: Callable[[JSON], P], tree: JSON) -> P | Broken:
    try:
        return make(tree)
    except ExpressionError as error:
        bare = {**tree["spec"], "matchConditions": ()}
        return Broken(*_common({**tree, "spec": bare}, ()), why=str(error))


@dataclass(frozen=True, slots=True)
class Invocation(Generic[P]):
    """One policy that a write has to pass, as one binding wants it, with one object of parameters (or none)."""

    policy: P
    binding: Binding
    match: Match
    param: JSON | None

    @property
    def key(self) -> tuple[str, ...]:
        metadata = (self.param or {}).get("metadata") or {}
        return self.policy.name, self.binding.name, metadata.get("namespace", ""), metadata.get("name", "")


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """A policy, or a binding of it, that cannot be held against a write."""

    policy: Policy
    binding: Binding | None
    why: str

    @property
    def message(self) -> str:
        return f"failed to configure {'binding' if self.binding else 'policy'}: {self.why}"


class Policies(Generic[P]):
    """The policies of one kind with their bindings. A write that is acknowledged counts for the next one."""

    def __init__(self, registry: Registry, kind: str, make: Callable[[JSON], P]) -> None:
        self._registry = registry
        self._policies = Followed(registry, GROUP, f"{kind}admissionpolicies", partial(_made, make))
        self._bindings = Followed(registry, GROUP, f"{kind}admissionpolicybindings", binding_of)
        self._known: tuple[Sequence[P | Broken], Sequence[Binding]] = ((), ())
        self._bound: list[tuple[P | Broken, list[Binding]]] = []

    def bound(self) -> Sequence[tuple[P | Broken, list[Binding]]]:
        """Policies that have bindings, with these."""
        policies, bindings = self._policies.get(), self._bindings.get()
        if policies is not self._known[0] or bindings is not self._known[1]:
            found = [(policy, [b for b in bindings if b.policy == policy.name]) for policy in policies]
            self._known, self._bound = (policies, bindings), [(policy, own) for policy, own in found if own]
        return self._bound

    def invocations(self, attributes: Attributes) -> Iterator[Invocation[P] | Misconfigured]:
        """All that a write has to pass, in the order of their names."""
        for policy, bindings in self.bound():
            try:
                match = policy.matcher.match(attributes, self._registry.kinds)
            except NotFound as error:
                yield Misconfigured(policy, None, error.message)
                continue
            if match and isinstance(policy, Broken):
                yield Misconfigured(policy, None, policy.why)
            elif match and not isinstance(policy, Broken):
                yield from self._of_policy(attributes, policy, bindings, match)

    def _of_policy(
        self, attributes: Attributes, policy: P, bindings: Sequence[Binding], match: Match
    ) -> Iterator[Invocation[P] | Misconfigured]:
        for binding in bindings:
            try:
                if binding.matcher is None or binding.matcher.match(attributes, self._registry.kinds):
                    for param in self._params(attributes, policy, binding):
                        yield Invocation(policy, binding, match, param)
            except NotFound as error:
                yield Misconfigured(policy, binding, error.message)
            except ParamsError as error:
                yield Misconfigured(policy, binding, str(error))

    def _params(self, attributes: Attributes, policy: P, binding: Binding) -> Sequence[JSON | None]:
        """One evaluation with each; None is one without. Raises ParamsError."""
        if policy.params is None or binding.params is None:
            return [None]
        return binding.params.collect(policy.params, attributes, self._registry.kinds)
