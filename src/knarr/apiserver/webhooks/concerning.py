"""Whether a webhook whose rules match a write is to be asked about it: its match conditions."""

from __future__ import annotations

from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.registry import Registry
from knarr.apiserver.webhooks.hook import Hook


async def concerned(hook: Hook, attributes: Attributes, match: Match, registry: Registry) -> bool:
    """Whether all match conditions hold. Raises Forbidden where that cannot be said and the webhook must not fail."""
    if not hook.conditions and not hook.broken:
        return True
    from knarr.apiserver.policies.evaluating import (  # the language is loaded with the first conditions
        CONDITIONS_BUDGET,
        Evaluation,
        EvaluationError,
        meets,
        subject_of,
    )

    subject = await subject_of(attributes, match, registry.authorizer)

    def work(here: int | None) -> bool:
        if hook.broken:
            raise EvaluationError(hook.broken)
        return meets(hook.conditions, Evaluation(subject, None, budget=CONDITIONS_BUDGET, here=here))

    try:
        return await registry.aside.do(work)
    except EvaluationError as error:
        if hook.fails_open:
            return False
        raise attributes.forbidden(str(error)) from None
