"""Whether there is room for an object, and what is used with it; and counting all that there is anew.

The messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.quota.evaluator import Evaluator
from knarr.api.quota.scopes import requirements
from knarr.api.quota.table import evaluators_for
from knarr.machinery.amounts import ZERO, Amounts, amounts_of, difference, listed, only, texts_of, total


class QuotaError(Exception):
    """There is no room, or it cannot be told; `str()` says why."""


def charge(quotas: Iterable[JSON], evaluator: Evaluator, new: JSON, old: JSON | None) -> list[JSON]:
    """The quotas whose use a write changes, as they are with it. Raises QuotaError."""
    matching = [quota for quota in quotas if applies(quota, evaluator, new, dig(quota, "status.hard", {}))]
    for quota in matching:
        _check_readiness(quota, evaluator, new)
    return [charged for quota in matching if (charged := _charged(quota, evaluator, new, old))]


def applies(quota: JSON, evaluator: Evaluator, obj: JSON, entries: Iterable[str]) -> bool:
    """Whether an object falls under a quota, of which these entries count."""
    return any(map(evaluator.tracks, entries)) and all(evaluator.in_scope(r, obj) for r in requirements(quota))


def _check_readiness(quota: JSON, evaluator: Evaluator, obj: JSON) -> None:
    """The object must say what is counted, and somebody must have counted what is there."""
    name, names = quota["metadata"]["name"], sorted(filter(evaluator.tracks, dig(quota, "status.hard", {})))
    if missing := evaluator.lacking(names, obj):
        raise QuotaError(f"failed quota: {name}: must specify {missing}")
    if uncounted := [n for n in names if n not in dig(quota, "status.used", {})]:
        raise QuotaError(f"status unknown for quota: {name}, resources: {','.join(uncounted)}")


def _charged(quota: JSON, evaluator: Evaluator, new: JSON, old: JSON | None) -> JSON | None:
    hard, used = (amounts_of(dig(quota, f"status.{side}")) for side in ("hard", "used"))
    asked = evaluator.usage(new, None)
    if negative := sorted(name for name, amount in asked.items() if amount < ZERO):
        raise QuotaError(f"quota usage is negative for resource(s): {','.join(negative)}")
    if old is not None and applies(quota, evaluator, old, hard):
        asked = difference(asked, evaluator.usage(old, None))
    asked = {name: amount for name, amount in only(asked, hard).items() if amount != ZERO}
    if not asked:
        return None
    after = total(used, asked)
    if exceeded := {name for name, amount in asked.items() if amount > ZERO and after[name] > hard[name]}:
        requested, so_far, limited = (listed(only(amounts, exceeded)) for amounts in (asked, used, hard))
        text = f"requested: {requested}, used: {so_far}, limited: {limited}"
        raise QuotaError(f"exceeded quota: {quota['metadata']['name']}, {text}")
    return {**quota, "status": {**quota["status"], "used": texts_of(after)}}


def counted_status(quota: JSON, objects: Mapping[str, Iterable[JSON]], now: datetime) -> JSON:
    """The status of a quota in whose namespace there is this, by resource (of all that its entries are about).

    Entries that nobody counts have no use.
    """
    hard = dig(quota, "spec.hard", {})
    used: Amounts = {}
    for evaluator in evaluators_for(hard):
        if evaluator.resource in objects:
            used |= {name: ZERO for name in hard if evaluator.tracks(name)}
            for obj in objects[evaluator.resource]:
                if applies(quota, evaluator, obj, hard):
                    used = total(used, only(evaluator.usage(obj, now), hard))
    return {"hard": texts_of(amounts_of(hard)), "used": texts_of(used)}
