"""MutatingAdmissionPolicies applied to what is written, one after the other.

Where one has changed it, the mutating round is gone through once more: policies that asked for it (reinvocationPolicy
IfNeeded) are applied again if the object has changed since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.reinvoking import Calls
from knarr.apiserver.admission.replacing import replace
from knarr.apiserver.admission.showing import shown
from knarr.apiserver.metrics.families import MUTATION_CHECK_DURATION, MUTATION_CHECKS
from knarr.apiserver.policies.changing import MutationError, mutated
from knarr.apiserver.policies.compiling import Mutating, mutating_of
from knarr.apiserver.policies.deciding import INVALID, NO_ERROR, OUT_OF_BUDGET
from knarr.apiserver.policies.evaluating import (
    CONDITIONS_BUDGET,
    BudgetError,
    Evaluation,
    EvaluationError,
    Subject,
    meets,
)
from knarr.apiserver.policies.following import Invocation, Misconfigured, Policies
from knarr.apiserver.registry import Registry
from knarr.machinery.cel import Program
from knarr.machinery.errors import Cause
from knarr.machinery.trees import copied

_NAME = "MutatingAdmissionPolicy"
_Invocation = Invocation[Mutating] | Misconfigured


class Changer:
    """Applies all policies that are bound to a write."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._policies: Policies[Mutating] = Policies(registry, "mutating", mutating_of)

    def mutate(self, attributes: Attributes) -> Awaitable[None] | None:
        invocations = list(self._policies.invocations(attributes))
        return self._apply_all(attributes, invocations) if invocations else None

    async def _apply_all(self, attributes: Attributes, invocations: Sequence[_Invocation]) -> None:
        """Raises APIError."""
        calls = Calls(attributes, _NAME)
        errors = await self._apply_each(attributes, invocations, calls)
        calls.end()
        if errors:
            refusal = attributes.forbidden("", *(Cause("", error) for error, _ in errors))
            refusal.message, refusal.reason = errors[0]
            raise refusal

    async def _apply_each(
        self, attributes: Attributes, invocations: Sequence[_Invocation], calls: Calls
    ) -> list[tuple[str, str]]:
        """The messages of what failed, with their reasons."""
        errors = []
        for invocation in invocations:
            if isinstance(invocation, Misconfigured):
                if not invocation.policy.fails_open:
                    errors.append((_denial(invocation, invocation.message), "Forbidden"))
                continue
            policy = invocation.policy
            if not calls.due(invocation.key):
                continue
            begun = self._registry.clock.monotonic()
            try:
                changed = await self._apply(attributes, invocation)
            except (EvaluationError, MutationError) as error:
                seconds = self._registry.clock.monotonic() - begun
                self._count(invocation, OUT_OF_BUDGET if isinstance(error, BudgetError) else INVALID, seconds)
                if not policy.fails_open:
                    errors.append((_denial(invocation, str(error)), "Invalid"))
                continue
            calls.made(invocation.key, changed=changed, reinvoked=policy.reinvoked)
        return errors

    async def _apply(self, attributes: Attributes, invocation: Invocation[Mutating]) -> bool:
        """Whether the policy has changed the object. Raises EvaluationError, MutationError."""
        policy, match, judge = invocation.policy, invocation.match, self._registry.authorizer
        trees = await shown(attributes, match)
        subject, changed = Subject(attributes, match, judge, trees), False
        if policy.conditions and not await self._meets(invocation, subject):
            return False
        for kind, program in policy.mutations:
            begun = self._registry.clock.monotonic()
            value = await self._value(invocation, subject, program)
            self._count(invocation, NO_ERROR, self._registry.clock.monotonic() - begun)
            if await replace(attributes, match, trees[0], copied(mutated(kind, value, trees[0], attributes, match))):
                trees = await shown(attributes, match)
                subject, changed = Subject(attributes, match, judge, trees), True
        return changed

    def _meets(self, invocation: Invocation[Mutating], subject: Subject) -> Awaitable[bool]:
        def work(here: int | None) -> bool:
            evaluation = Evaluation(subject, invocation.param, budget=CONDITIONS_BUDGET, here=here)
            return meets(invocation.policy.conditions, evaluation)

        return self._registry.aside.do(work)

    def _value(self, invocation: Invocation[Mutating], subject: Subject, program: Program) -> Awaitable[Any]:
        def work(here: int | None) -> Any:
            return Evaluation(subject, invocation.param, invocation.policy.variables, here=here).value(program)

        return self._registry.aside.do(work)

    def _count(self, invocation: Invocation[Mutating], error: str, seconds: float) -> None:
        labels = (error, invocation.policy.name, invocation.binding.name)
        self._registry.metrics.count(MUTATION_CHECKS, labels).n += 1
        self._registry.metrics.spread(MUTATION_CHECK_DURATION, labels).observe(seconds)


def _denial(invocation: _Invocation, message: str) -> str:
    name, binding = invocation.policy.name, invocation.binding
    if binding is None:
        return f'policy "{name}" denied request: {message}'
    return f"policy '{name}' with binding '{binding.name}' denied request: {message}"
