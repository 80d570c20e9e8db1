"""Which policies a write has to pass, as they and their bindings are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from knarr.api.kind import JSON
from knarr.apiserver.admission.matching import CONFIGURATION, Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.followed import Followed
from knarr.apiserver.policies.compiling import Binding, Broken, P, Policy, binding_of, policy_of
from knarr.apiserver.policies.params import ParamsError
from knarr.apiserver.registry import Registry
from knarr.machinery.errors import NotFound

_UNJUDGED = frozenset(  # so that nobody locks himself out
    f"{kind}admission{plural}.{CONFIGURATION}"
    for kind in ("mutating", "validating")
    for plural in ("policies", "policybindings")
)


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
        self._policies = Followed(registry, CONFIGURATION, f"{kind}admissionpolicies", partial(policy_of, make=make))
        self._bindings = Followed(registry, CONFIGURATION, f"{kind}admissionpolicybindings", binding_of)
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
        """All that a write has to pass, in the order of their names; policies themselves are written without."""
        if attributes.kind.qualified_resource in _UNJUDGED:
            return
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
