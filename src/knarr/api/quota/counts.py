"""Everything that is only counted: `count/deployments.apps`, and by an old name `configmaps`."""

from __future__ import annotations

from functools import lru_cache

from knarr.api.quota.evaluator import COUNT, ONE, Evaluator

_BY_OLD_NAME = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})


@lru_cache(maxsize=512)
def counter(resource: str) -> Evaluator:
    """The evaluator of a resource of which only the number of objects counts."""
    names = {f"{COUNT}{resource}", *({resource} & _BY_OLD_NAME)}
    return Evaluator(resource, lambda obj, now: dict.fromkeys(names, ONE), names.__contains__)


def counted(name: str) -> str:
    """The resource that a quota's entry counts; "" if it does not count objects of one."""
    return name.removeprefix(COUNT) if name.startswith(COUNT) else name if name in _BY_OLD_NAME else ""
