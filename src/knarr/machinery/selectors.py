"""Selectors: which labels or fields an object must have (`app=web,tier in (a, b),!canary`; `metadata.name=x`).

Grammar and messages: k8s.io/apimachinery, pkg/labels and pkg/fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from knarr.machinery import fielderrors, names

Operator = Literal["=", "==", "!=", "in", "notin", "exists", "!", "gt", "lt"]

_TOKEN = re.compile(r"\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+))")
_SYMBOLS = frozenset(("=", "==", "!=", "!", "(", ")", ",", "<", ">"))
_COMPARISONS: dict[str, Operator] = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
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


def parse_labels(text: str) -> LabelSelector:
    """The selector that the text of a query parameter means. Raises SelectorError."""
    try:
        return LabelSelector(tuple(_Parser(text).requirements()))
    except SelectorError as error:
        raise SelectorError(f"unable to parse requirement: {error}") from None


def from_map(labels: Mapping[str, str] | None) -> LabelSelector:
    """The selector of a Service or ReplicationController: every label equal; none selects nothing."""
    if not labels:
        return NOTHING
    return LabelSelector(tuple(Requirement(key, "=", frozenset((value,))) for key, value in labels.items()))


def from_label_selector(selector: Mapping[str, Any] | None) -> LabelSelector:
    """A metav1.LabelSelector: absent selects nothing, empty everything. Raises SelectorError."""
    if selector is None:
        return NOTHING
    equal = [_requirement(k, "in", [v]) for k, v in (selector.get("matchLabels") or {}).items()]
    expressions = [_expression(e) for e in selector.get("matchExpressions") or ()]
    return LabelSelector((*equal, *expressions))


_EXPRESSIONS: dict[str, Operator] = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_NODE_EXPRESSIONS: dict[str, Operator] = {**_EXPRESSIONS, "Gt": "gt", "Lt": "lt"}


def _expression(expression: Mapping[str, Any], operators: Mapping[str, Operator] = _EXPRESSIONS) -> Requirement:
    operator = operators.get(expression.get("operator", ""))
    if operator is None:
        raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
    return _requirement(expression.get("key", ""), operator, expression.get("values") or ())


def from_node_expressions(expressions: Iterable[Mapping[str, Any]]) -> LabelSelector:
    """The matchExpressions of a NodeSelectorTerm, which also know Gt and Lt. Raises SelectorError."""
    return LabelSelector(tuple(_expression(e, _NODE_EXPRESSIONS) for e in expressions))


def _requirement(key: str, operator: Operator, values: Iterable[str] = ()) -> Requirement:
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


class _Parser:
    """Recursive descent over the tokens; the empty token is the end."""

    def __init__(self, text: str) -> None:
        self._tokens = [symbol or word for symbol, word in _TOKEN.findall(text)]
        self._at = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next
        self._at += 1
        return token

    def requirements(self) -> Iterable[Requirement]:
        if not self._next:
            return
        if self._next in _SYMBOLS - {"!"}:
            raise SelectorError(f"found '{self._next}', expected: !, identifier, or 'end of string'")
        while True:
            yield self._requirement()
            found = self._take()
            if not found:
                return
            if found != ",":
                raise SelectorError(f"found '{found}', expected: ',' or 'end of string'")
            if not self._next or self._next in _SYMBOLS - {"!"}:
                raise SelectorError(f"found '{self._next}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        absent = self._next == "!"
        if absent:
            self._take()
        key = self._take()
        if not key or key in _SYMBOLS:
            raise SelectorError(f"found '{key}', expected: identifier")
        if absent or self._next in ("", ","):
            return _requirement(key, "!" if absent else "exists")
        return self._comparison(key, self._take())

    def _comparison(self, key: str, operator: str) -> Requirement:
        if operator in ("in", "notin"):
            return _requirement(key, "in" if operator == "in" else "notin", self._values())
        if operator not in _COMPARISONS:
            raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        return _requirement(key, _COMPARISONS[operator], [self._exact_value()])

    def _exact_value(self) -> str:
        if self._next in ("", ","):
            return ""
        value = self._take()
        if value in _SYMBOLS:
            raise SelectorError(f"found '{value}', expected: identifier")
        return value

    def _values(self) -> list[str]:
        """`(a, b)`; a missing item is the empty value."""
        if (found := self._take()) != "(":
            raise SelectorError(f"found '{found}' expected: '('")
        if self._next == ")":
            self._take()
            return []
        values = [self._item()]
        while (found := self._take()) == ",":
            values.append(self._item())
        if found != ")":
            raise SelectorError(f"found '{found}', expected: ',' or ')'")
        return values

    def _item(self) -> str:
        if self._next in (",", ")"):
            return ""
        value = self._take()
        if not value or value in _SYMBOLS:
            raise SelectorError(f"found '{value}', expected: ',', or identifier")
        return value


class FieldRequirement(msgspec.Struct, frozen=True):
    field: str
    value: str
    equal: bool = True


class FieldSelector(msgspec.Struct, frozen=True):
    """Fields that must, or must not, have a value; an absent field is the empty text."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(r.field, "") == r.value) is r.equal for r in self.requirements)

    @property
    def equalities(self) -> dict[str, str]:
        return {r.field: r.value for r in self.requirements if r.equal}

    def __str__(self) -> str:
        return ",".join(f"{r.field}{'=' if r.equal else '!='}{_escape(r.value)}" for r in self.requirements)


_FIELD_TERM = re.compile(r"((?:\\.|[^\\,])*?)(!=|==|=)((?:\\.|[^\\,=])*)")


def parse_fields(text: str) -> FieldSelector:
    r"""The field selector that a query parameter means; `\` escapes `,`, `=` and itself. Raises SelectorError."""
    terms = [term for term in re.findall(r"(?:\\.|[^\\,]|\\$)+", text) if term]
    return FieldSelector(tuple(_field_requirement(text, term) for term in terms))


def _field_requirement(text: str, term: str) -> FieldRequirement:
    match = _FIELD_TERM.fullmatch(term)
    if not match:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
    field, operator, value = match.groups()
    if wrong := re.search(r"\\[^\\,=]", value):
        raise SelectorError(f"invalid field selector: invalid escape sequence: {wrong[0]}")
    return FieldRequirement(field, re.sub(r"\\(.)", r"\1", value), operator != "!=")


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)
