"""What a label selector is: requirements on labels, all of which must hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from knarr.machinery import fielderrors, names

Operator = Literal["=", "==", "!=", "in", "notin", "exists", "!", "gt", "lt"]

MOST = 10_000  # commas in a selector: everybody waits while it is read
_INTEGER = re.compile(r"[-+]?\d+")


class SelectorError(ValueError):
    """A selector that cannot be understood, in upstream's words."""


class Requirement(msgspec.Struct, frozen=True):
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return _MATCHERS[self.operator](labels.get(self.key), self.values)


def _compares(value: str | None, bound: frozenset[str], holds: Callable[[int, int], bool]) -> bool:
    return value is not None and bool(_INTEGER.fullmatch(value)) and holds(int(value), int(next(iter(bound))))


def _is_in(value: str | None, values: frozenset[str]) -> bool:
    return value in values


def _is_not_in(value: str | None, values: frozenset[str]) -> bool:
    return value not in values


_MATCHERS: dict[Operator, Callable[[str | None, frozenset[str]], bool]] = {
    "in": _is_in,
    "=": _is_in,
    "==": _is_in,
    "notin": _is_not_in,
    "!=": _is_not_in,
    "exists": lambda value, _: value is not None,
    "!": lambda value, _: value is None,
    "gt": lambda value, bound: _compares(value, bound, int.__gt__),
    "lt": lambda value, bound: _compares(value, bound, int.__lt__),
}


class LabelSelector(msgspec.Struct, frozen=True):
    """All of the requirements; none selects everything, `nothing` selects nothing."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.nothing:
            return False
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def everything(self) -> bool:
        return not self.requirements and not self.nothing

    @property
    def equalities(self) -> dict[str, str]:
        """Labels that must have exactly one value: what an index can look up."""
        return {
            r.key: next(iter(r.values))
            for r in self.requirements
            if r.operator in ("=", "==", "in") and len(r.values) == 1
        }

    def __str__(self) -> str:
        return ",".join(_written(r) for r in sorted(self.requirements, key=lambda r: r.key))


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def _written(requirement: Requirement) -> str:
    key, operator = requirement.key, requirement.operator
    listed = ",".join(sorted(requirement.values))
    match operator:
        case "exists":
            return key
        case "!":
            return f"!{key}"
        case "in" | "notin":
            return f"{key} {operator} ({listed})"
        case "gt" | "lt":
            return f"{key}{'>' if operator == 'gt' else '<'}{listed}"
        case _:
            return f"{key}{operator}{listed}"


def checked(key: str, operator: Operator, values: Iterable[str] = ()) -> Requirement:
    """A checked requirement; messages as labels.NewRequirement words them."""
    listed = list(values)
    if bad := names.qualified_name(key):
        raise SelectorError(str(fielderrors.invalid("<nil>", key, names.joined(bad))))
    if complaint := _wrong_values(operator, listed):
        raise SelectorError(str(fielderrors.invalid("<nil>.values", listed, complaint)))
    for index, value in enumerate(listed):
        if bad := names.label_value(value):
            raise SelectorError(str(fielderrors.invalid(f"<nil>.values[{index}][{key}]", value, names.joined(bad))))
    return Requirement(key, operator, frozenset(listed))


def _wrong_values(operator: Operator, values: list[str]) -> str:
    if operator in ("in", "notin"):
        return "" if values else "for 'in', 'notin' operators, values set can't be empty"
    if operator in ("exists", "!"):
        return "values set must be empty for exists and does not exist" if values else ""
    if operator in ("gt", "lt"):
        if len(values) != 1:
            return "for 'Gt', 'Lt' operators, exactly one value is required"
        return "" if _INTEGER.fullmatch(values[0]) else "for 'Gt', 'Lt' operators, the value must be an integer"
    return "" if len(values) == 1 else "exact-match compatibility requires one single value"
