"""Whether a webhook is to be asked about a write: its rules and selectors, then its match conditions."""

from __future__ import annotations

from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.registry import Registry
from knarr.apiserver.webhooks.hook import Hook


def concerning(hook: Hook, attributes: Attributes, registry: Registry) -> Match | None:
    """How the write is matched; None where the webhook is not to be asked. Raises APIError."""
    match = hook.matcher.match(attributes, registry.kinds)
    return match if match and (not hook.conditions or _holds(hook, attributes, match, registry)) else None


def _holds(hook: Hook, attributes: Attributes, match: Match, registry: Registry) -> bool:
    """Whether all match conditions hold. Raises Forbidden where that cannot be said and the webhook must not fail."""
    from knarr.apiserver.policies.evaluating import (  # the language is loaded with the first conditions
        CONDITIONS_BUDGET,
        Evaluation,
        EvaluationError,
        Subject,
        meets,
    )

    subject = Subject(attributes, match, registry.authorizer)
    try:
        return meets(hook.conditions, Evaluation(subject, None, budget=CONDITIONS_BUDGET))
    except EvaluationError as error:
        if hook.fails_open:
            return False
        raise attributes.forbidden(str(error)) from None
