"""What a ValidatingAdmissionPolicy says of one write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knarr.apiserver.policies.compiling import Validating, Validation
from knarr.apiserver.policies.evaluating import (
    CONDITIONS_BUDGET,
    BudgetError,
    Evaluation,
    EvaluationError,
    Subject,
    meets,
)
from knarr.apiserver.policies.following import Invocation
from knarr.machinery.clock import Clock

_LONGEST_MESSAGE = 5 * 1024  # bytes of a message that an expression makes
NO_ERROR, INVALID, OUT_OF_BUDGET = "no_error", "invalid_error", "out_of_budget"  # as metrics call them
LONGEST_ANNOTATION = 10 * 1024  # characters


@dataclass(frozen=True, slots=True)
class Failure:
    """A validation that does not hold, or could not be evaluated (`reason` is empty); `index` is its place, `seconds`
    is how long that took to find.

    `ignored` is an error that the policy lets pass.
    """

    index: int
    message: str
    seconds: float
    reason: str = ""
    error: str = NO_ERROR
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """What goes to the audit log, or why it cannot."""

    key: str
    value: str = ""
    error: str = ""


def judge(
    invocation: Invocation[Validating], subject: Subject, clock: Clock, here: int | None = None
) -> Iterator[Failure | Annotation]:
    """The validations that fail, and the audit annotations; errors count as the policy wants it. Raises LaboriousError
    where that takes more than `here` cost units at a time.
    """
    policy, param, begun = invocation.policy, invocation.param, clock.monotonic()
    try:
        conditions = policy.conditions
        if conditions and not meets(conditions, Evaluation(subject, param, budget=CONDITIONS_BUDGET, here=here)):
            return
        yield from _failures(policy, Evaluation(subject, param, policy.variables, here=here), clock)
        if policy.annotations:
            yield from _annotations(policy, Evaluation(subject, param, policy.variables, here=here))
    except EvaluationError as error:
        yield _failed(policy, 0, error, clock.monotonic() - begun)


def _failed(policy: Validating, index: int, error: EvaluationError, seconds: float) -> Failure:
    kind = OUT_OF_BUDGET if isinstance(error, BudgetError) else INVALID
    return Failure(index, str(error), seconds, error=kind, ignored=policy.fails_open)


def _failures(policy: Validating, evaluation: Evaluation, clock: Clock) -> Iterator[Failure]:
    """Raises BudgetError."""
    for index, validation in enumerate(policy.validations):
        begun = clock.monotonic()
        try:
            if not evaluation.value(validation.program):
                message = _message(validation, evaluation)
                yield Failure(index, message, clock.monotonic() - begun, validation.reason)
        except BudgetError:
            raise
        except EvaluationError as error:
            yield _failed(policy, index, error, clock.monotonic() - begun)


def _message(validation: Validation, evaluation: Evaluation) -> str:
    """The composed message if it is a decent one, else the plain one. Raises BudgetError."""
    if validation.composed is None:
        return validation.message
    try:
        composed = evaluation.value(validation.composed)
    except BudgetError as error:
        raise EvaluationError(f"failed messageExpression: {error}") from None
    except EvaluationError:
        return validation.message
    text = composed.strip() if isinstance(composed, str) else ""
    decent = text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE
    return text if decent else validation.message


def _annotations(policy: Validating, evaluation: Evaluation) -> Iterator[Annotation]:
    for key, program in policy.annotations:
        try:
            value = evaluation.value(program)
        except EvaluationError as error:
            if not policy.fails_open:
                yield Annotation(key, error=str(error))
            continue
        if isinstance(value, str) and value.strip():
            yield Annotation(key, value.strip()[:LONGEST_ANNOTATION])
