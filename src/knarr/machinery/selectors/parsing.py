"""The grammar of label selectors as query parameters write them: `app=web,tier in (a, b),!canary`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from knarr.machinery.selectors.labels import MOST, LabelSelector, Operator, Requirement, SelectorError, checked

_TOKEN = re.compile(r"(==|!=|[=!(),<>])|([^\s=!(),<>]+)")  # what is neither is white space, and passed over
_SYMBOLS = frozenset(("=", "==", "!=", "!", "(", ")", ",", "<", ">"))
_COMPARISONS: dict[str, Operator] = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}


def parse_labels(text: str) -> LabelSelector:
    """The selector that the text of a query parameter means. Raises SelectorError."""
    if text.count(",") + text.count("(") > MOST:
        raise SelectorError("unable to parse requirement: there are too many")
    try:
        return LabelSelector(tuple(_Parser(text).requirements()))
    except SelectorError as error:
        raise SelectorError(f"unable to parse requirement: {error}") from None


class _Parser:
    """Recursive descent over the tokens; the empty token is the end."""

    def __init__(self, text: str) -> None:
        self._rest = iter([symbol or word for symbol, word in _TOKEN.findall(text)])
        self._next = next(self._rest, "")

    def _take(self) -> str:
        token, self._next = self._next, next(self._rest, "")
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
            return checked(key, "!" if absent else "exists")
        return self._comparison(key, self._take())

    def _comparison(self, key: str, operator: str) -> Requirement:
        if operator in ("in", "notin"):
            return checked(key, "in" if operator == "in" else "notin", self._values())
        if operator not in _COMPARISONS:
            raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        return checked(key, _COMPARISONS[operator], [self._exact_value()])

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
