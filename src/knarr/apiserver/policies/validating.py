"""ValidatingAdmissionPolicies held against a write: the refusal, the warnings and the audit annotations that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import msgspec

from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.metrics.families import POLICY_CHECK_DURATION, POLICY_CHECKS
from knarr.apiserver.policies.compiling import Binding, Policy, Validating, validating_of
from knarr.apiserver.policies.deciding import Annotation, Failure, judge
from knarr.apiserver.policies.evaluating import Subject, subject_of
from knarr.apiserver.policies.following import Invocation, Misconfigured, Policies
from knarr.apiserver.registry import Registry
from knarr.machinery.errors import APIError, Cause

_KIND = "ValidatingAdmissionPolicy"
_FAILURE_ANNOTATION = "validation.policy.admission.k8s.io/validation_failure"
_TURN = 0.005  # real seconds that policies may take at a time
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}


@dataclass(slots=True)
class _Outcome:
    """What the policies have said so far: only the first refusal is told."""

    attributes: Attributes
    refusal: APIError | None = None
    annotations: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, policy: Policy, binding: Binding | None, message: str, reason: str = "") -> None:
        bound = f" with binding '{binding.name}'" if binding else ""
        text = f"{_KIND} '{policy.name}'{bound} denied request: {message}"
        if self.refusal is None:
            self.refusal = self.attributes.forbidden(text, Cause("", text))
            self.refusal.reason = reason or "Invalid"
            self.refusal.code = _CODES.get(self.refusal.reason, 422)

    def fail(self, policy: Validating, binding: Binding, failure: Failure) -> None:
        """What follows from a failure, as the binding says."""
        for action in () if failure.ignored else binding.actions:
            match action:
                case "Deny":
                    self.refuse(policy, binding, failure.message, failure.reason)
                case "Warn":
                    where = f"{_KIND} '{policy.name}' with binding '{binding.name}'"
                    self.attributes.warnings.append(f"Validation failed for {where}: {failure.message}")
                case "Audit":
                    self.attributes.annotations.setdefault(_FAILURE_ANNOTATION, _record(policy, binding, failure))

    def annotate(self, policy: Validating, binding: Binding, annotation: Annotation) -> None:
        """Values of several bindings stand side by side, each once."""
        if annotation.error:
            self.refuse(policy, binding, annotation.error)
            return
        values = self.annotations.setdefault(f"{policy.name}/{annotation.key}", [])
        if annotation.value not in values:
            values.append(annotation.value)

    def settle(self) -> None:
        """Raises APIError."""
        self.attributes.annotations.update((key, ", ".join(values)) for key, values in self.annotations.items())
        if self.refusal:
            raise self.refusal


def _record(policy: Validating, binding: Binding, failure: Failure) -> str:
    record = {
        "message": failure.message,
        "policy": policy.name,
        "binding": binding.name,
        "expressionIndex": failure.index,
        "validationActions": list(binding.actions),
    }
    return msgspec.json.encode([record]).decode()


class Judge:
    """Holds a write against all policies that are bound to it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._policies: Policies[Validating] = Policies(registry, "validating", validating_of)

    def validate(self, attributes: Attributes) -> Awaitable[None] | None:
        invocations = list(self._policies.invocations(attributes))
        return self._judge(attributes, invocations) if invocations else None

    async def _judge(
        self, attributes: Attributes, invocations: Sequence[Invocation[Validating] | Misconfigured]
    ) -> None:
        outcome, subjects = _Outcome(attributes), dict[tuple[str, str, str], Subject]()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for invocation in invocations:
            if isinstance(invocation, Misconfigured):
                if not invocation.policy.fails_open:
                    outcome.refuse(invocation.policy, invocation.binding, invocation.message)
                continue
            match = invocation.match
            if match.resource not in subjects:
                subjects[match.resource] = await subject_of(attributes, match, self._registry.authorizer)
            for found in await self._asked(invocation, subjects[match.resource]):
                if isinstance(found, Annotation):
                    outcome.annotate(invocation.policy, invocation.binding, found)
                else:
                    self._count(invocation, found)
                    outcome.fail(invocation.policy, invocation.binding, found)
            if loop.time() - begun > _TURN:  # others' requests are not to wait until all policies have been heard
                await asyncio.sleep(0)
                begun = loop.time()
        outcome.settle()

    def _asked(self, invocation: Invocation[Validating], subject: Subject) -> Awaitable[Sequence[Failure | Annotation]]:
        return self._registry.aside.do(lambda here: list(judge(invocation, subject, self._registry.clock, here)))

    def _count(self, invocation: Invocation[Validating], failure: Failure) -> None:
        """As upstream counts: failures by what they lead to, and errors that are let pass."""
        names = (failure.error, invocation.policy.name, invocation.binding.name)
        for action in ("allow",) if failure.ignored else invocation.binding.actions:
            labels = (action.lower(), *names)
            self._registry.metrics.count(POLICY_CHECKS, labels).n += 1
            self._registry.metrics.spread(POLICY_CHECK_DURATION, labels).observe(failure.seconds)
