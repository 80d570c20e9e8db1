"""Selectors as access reviews say them, spelled as a query spells them.

What cannot be understood is left out: selectors only narrow, so that more is asked for without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.selectors import (
    FieldRequirement,
    FieldSelector,
    LabelSelector,
    Requirement,
    SelectorError,
    from_label_selector,
    parse_fields,
    parse_labels,
)

T = TypeVar("T")
_MOST = 1000  # requirements, and values of one, that are looked at: anybody may ask, and everybody waits meanwhile


class Spelled(NamedTuple):
    """The selector, and how much of it is left out: "", "partially ignored" or "ignored"."""

    text: str = ""
    lost: str = ""


def spelled_fields(selector: JSON) -> Spelled:
    return _spelled(selector, parse_fields, _field, FieldSelector)


def spelled_labels(selector: JSON) -> Spelled:
    return _spelled(selector, parse_labels, _label, LabelSelector)


def _spelled(
    selector: JSON,
    parse: Callable[[str], object],
    read: Callable[[JSON], T],
    whole: Callable[[tuple[T, ...]], object],
) -> Spelled:
    if raw := str(selector.get("rawSelector") or ""):
        try:
            parse(raw)
        except SelectorError:
            return Spelled(lost="ignored")
        return Spelled(raw)
    requirements = each(selector, "requirements")
    found = tuple(_readable(requirements, read))
    lost = "" if len(found) == len(requirements) else "partially ignored" if found else "ignored"
    return Spelled(str(whole(found)), lost)


def _readable(requirements: Sequence[JSON], read: Callable[[JSON], T]) -> list[T]:
    found = []
    for requirement in requirements[:_MOST]:
        if len(each(requirement, "values")) > _MOST:
            continue
        try:
            found.append(read(requirement))
        except SelectorError:
            continue
    return found


def _field(requirement: JSON) -> FieldRequirement:
    """Fields have one value or not. Raises SelectorError."""
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    if operator not in ("In", "NotIn") or len(values) != 1:
        raise SelectorError(f"fieldSelectors do not yet support {operator} of {len(values)} values")
    return FieldRequirement(requirement.get("key", ""), values[0], operator == "In")


def _label(requirement: JSON) -> Requirement:
    """Raises SelectorError."""
    (found,) = from_label_selector({"matchExpressions": [requirement]}).requirements
    return found
