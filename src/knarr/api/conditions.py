"""Conditions of a status: each of its own type, with the time since when it is what it is.

sig-architecture/api-conventions.md of kubernetes/community, "Typical status properties".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, not_supported, required, too_long
from knarr.machinery.names import qualified_name

Check = Callable[[str, JSON], Iterable[FieldError]]  # of a condition's path and the condition

_STATUSES = ("False", "True", "Unknown")
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", re.ASCII)
_NO_REASON = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
    "'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
    f"'{_REASON.pattern}')"
)
_REASON_LENGTH, _MESSAGE_LENGTH = 1024, 32 * 1024


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


def check_conditions(path: str, conditions: Iterable[JSON], check: Check | None = None) -> Iterable[FieldError]:
    """What is wrong with conditions, each of a type of its own; of the common form (meta/v1), unless another check of
    one is given.
    """
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        where, kind = f"{path}[{index}]", condition.get("type") or ""
        yield from (check or _check)(where, condition)
        if kind in seen:
            yield duplicate(f"{where}.type", kind)
        seen.add(kind)


def _check(path: str, condition: JSON) -> Iterable[FieldError]:
    for field in ("type", "lastTransitionTime", "reason"):
        if not condition.get(field):
            yield required(f"{path}.{field}", "must be set")
    kind, reason, generation = condition.get("type"), condition.get("reason"), condition.get("observedGeneration", 0)
    if kind:
        yield from (invalid(f"{path}.type", kind, message) for message in qualified_name(kind))
    if (status := condition.get("status") or "") not in _STATUSES:
        yield not_supported(f"{path}.status", status, _STATUSES)
    if generation < 0:
        yield invalid(f"{path}.observedGeneration", generation, "must be greater than or equal to zero")
    if reason and not _REASON.fullmatch(reason):
        yield invalid(f"{path}.reason", reason, _NO_REASON)
    for field, longest in (("reason", _REASON_LENGTH), ("message", _MESSAGE_LENGTH)):
        if len(condition.get(field) or "") > longest:
            yield too_long(f"{path}.{field}", longest)
