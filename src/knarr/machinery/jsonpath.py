"""JSONPath as Kubernetes has it: what printer columns and `kubectl -o jsonpath` name fields by, without templates.

`.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.items[*].name`, `.list[-1]`, `..name`.
https://kubernetes.io/docs/reference/kubectl/jsonpath/
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

Step = Callable[[Any], Iterable[Any]]

_TOKEN = re.compile(
    r"""
    (?P<deep>\.\.)(?P<below>[^.\[\]]+)?
    | \.?(?P<star>\*)
    | \.(?P<field>(?:\\.|[^.\[\]\\])+)
    | \[\?\((?P<filter>.*?)\)\]
    | \[(?P<inside>[^\]]*)\]
    | (?P<dot>\.)
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"\s*@(?P<path>[^=!<>~]*?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<wanted>.*?)\s*)?")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class JSONPathError(ValueError):
    """Text that is no path."""


@lru_cache(maxsize=1024)
def compiled(path: str) -> Callable[[Any], list[Any]]:
    """Finds all values that a path leads to. Raises JSONPathError."""
    steps = list(_steps(path.removeprefix("$")))

    def find(tree: Any) -> list[Any]:
        found = [tree]
        for step in steps:
            found = [value for each in found for value in step(each)]
        return found

    return find


def _steps(path: str) -> Iterator[Step]:
    at = 0
    while at < len(path):
        token = _TOKEN.match(path, at)
        if token is None:
            raise JSONPathError(f"unrecognized character in action: {path[at]!r}")
        at = token.end()
        yield from _step(token)


def _step(token: re.Match[str]) -> Iterator[Step]:
    if token["deep"]:
        yield _everything
        if token["below"]:
            yield _field(token["below"])
    elif token["star"]:
        yield _children
    elif token["field"]:
        yield _field(_unescaped(token["field"]))
    elif token["filter"] is not None:
        yield _filter(token["filter"])
    elif token["inside"] is not None:
        yield _inside(token["inside"].strip())


def _field(name: str) -> Step:
    return lambda value: (value[name],) if type(value) is dict and name in value else ()


def _children(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()


def _everything(value: Any) -> Iterator[Any]:
    yield value
    for child in _children(value):
        yield from _everything(child)


def _inside(text: str) -> Step:
    if text == "*":
        return _children
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        return _field(_unescaped(text[1:-1]))
    if "," in text:
        parts = [_inside(part.strip()) for part in text.split(",")]
        return lambda value: [found for part in parts for found in part(value)]
    try:
        bounds = [int(part) if part else None for part in text.split(":")]
    except ValueError:
        raise JSONPathError(f"invalid array index {text}") from None
    chosen = slice(*bounds) if len(bounds) > 1 else None
    if chosen:
        return lambda value: value[chosen] if type(value) is list else ()
    return _index(bounds[0] or 0)


def _unescaped(name: str) -> str:
    r"""Dots in names are written `\.`, in quotes too."""
    return re.sub(r"\\(.)", r"\1", name)


def _index(at: int) -> Step:
    return lambda value: (value[at],) if type(value) is list and -len(value) <= at < len(value) else ()


def _filter(text: str) -> Step:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise JSONPathError(f"invalid filter {text}")
    left = compiled(found["path"])
    compare, wanted = _OPERATORS.get(found["operator"] or ""), _literal(found["wanted"] or "")

    def matches(item: Any) -> bool:
        values = left(item)
        if compare is None or not values:
            return bool(values)
        try:
            return bool(compare(values[0], wanted))
        except TypeError:
            return False

    return lambda value: [item for item in _children(value) if matches(item)]


def _literal(text: str) -> Any:
    if text[:1] == "'" == text[-1:]:
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text
