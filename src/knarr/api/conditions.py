"""Conditions of a status: each of its own type, with the time since when it is what it is.

sig-architecture/api-conventions.md of kubernetes/community, "Typical status properties".
"""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import each


def condition_of(tree: JSON, kind: str) -> JSON | None:
    """An object's condition of this type, where it has one."""
    found: JSON | None = next((c for c in each(tree, "status.conditions") if c.get("type") == kind), None)
    return found


def is_true(tree: JSON, kind: str) -> bool:
    """Whether an object's condition is met."""
    found = condition_of(tree, kind)
    return found is not None and found.get("status") == "True"


def put_condition(tree: JSON, said: JSON, now: str) -> bool:
    """Give an object a condition, in the place of its last of that type; whether it differs from that.

    Its time is that of the last change of status. The status is a copy afterwards, if anything has changed.
    """
    before = condition_of(tree, said["type"])
    since = before.get("lastTransitionTime") if before and before.get("status") == said["status"] else None
    condition = {"type": said["type"], "status": said["status"], "lastTransitionTime": since or now, **said}
    if condition == before:
        return False
    known = each(tree, "status.conditions")
    conditions = [condition if c is before else c for c in known] if before else [*known, condition]
    tree["status"] = {**(tree.get("status") or {}), "conditions": conditions}
    return True
