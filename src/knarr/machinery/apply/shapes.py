"""What server-side apply has to know of a type.

A shape is made of a schema by whoever has one (`api.types` of the published definitions, custom resources of theirs):

    Scalar("string")                    a value without parts
    Atomic(shape)                       parts, but one owner for all of them
    Struct({"spec": ..., ...})          named fields; with `others`, a map, or both
    Associative(shape, keys=("name",))  a list that is a map; without keys, a set
    DEDUCED                             anything: objects have parts, all else has not

Trees are decoded ones; a null is a value without parts.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from knarr.machinery.apply.elements import ElementError, shown_value
from knarr.machinery.apply.sets import LEAF, Node


class Changes(NamedTuple):
    """What a write did: nodes of what it added or changed, and of what it removed; None for nothing."""

    taken: Node | None
    removed: Node | None


class Problem(NamedTuple):
    """Why a configuration cannot be applied."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Shape(Protocol):
    """How values of one type are owned. Raises ElementError for lists whose items cannot be told apart, and for values
    of another type: custom resources are told of before they are validated.
    """

    is_leaf: bool  # no value of it has parts with owners of their own

    def owned(self, value: Any) -> Node | None:
        """What an applier of the value owns of it."""

    def whole(self, value: Any) -> Node:
        """All that comes into being with the value, or goes with it."""

    def changes(self, old: Any, new: Any) -> Changes:
        """What happened between two values that are not equal."""

    def merged(self, live: Any, config: Any) -> Any:
        """The value with a configuration merged in; shares parts with both."""

    def without(self, value: Any, unwanted: Node) -> Any:
        """The value less the members of a node that is not empty; None where nothing is left."""

    def named(self, fields: Node) -> Node:
        """The node with all struct fields on the way to its members as members."""

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        """Add what keeps a value from being applied."""


Form = Literal["string", "numeric", "boolean", "scalar"]
_PYTHON: dict[Form, tuple[type, ...]] = {
    "string": (str,),
    "numeric": (int, float),
    "boolean": (bool,),
    "scalar": (str, int, float, bool),
}


class Leaf:
    """The base of what has one owner."""

    is_leaf = True

    def owned(self, value: Any) -> Node | None:
        return LEAF

    def whole(self, value: Any) -> Node:
        return LEAF

    def changes(self, old: Any, new: Any) -> Changes:
        return Changes(LEAF, None)

    def merged(self, live: Any, config: Any) -> Any:
        return config

    def without(self, value: Any, unwanted: Node) -> Any:
        return value

    def named(self, fields: Node) -> Node:
        return fields

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        return None


class Scalar(Leaf):
    """A value of one of JSON's simple types."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self._types = _PYTHON[form]

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        if value is None or (type(value) in self._types):
            return
        problems.append(Problem(path, f"expected {_EXPECTED[self.form]}, got {_found(self.form, value)}"))


class Atomic(Leaf):
    """A composite that is owned as a whole."""

    def __init__(self, inner: Shape) -> None:
        self.inner = inner

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        self.inner.check(value, path, problems)


ANYTHING = Leaf()

_EXPECTED: dict[Form, str] = {
    "string": "string",
    "numeric": "numeric (int or float)",
    "boolean": "boolean",
    "scalar": "any scalar",
}


def _found(form: Form, value: Any) -> str:
    """A value as upstream's merger describes it: three ways, by what it had hoped for."""
    if form == "numeric":
        return go_type(value)
    return f"&value.valueUnstructured{{Value:{shown_value(value)}}}" if form == "string" else shown_go(value)


def mistyped(expected: str, value: Any) -> ElementError:
    """A value that is no map, or no list."""
    return ElementError(f"expected {expected}, got {shown_go(value)}")


def go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), "number")


def shown_go(value: Any) -> str:
    return f"&{{{value if isinstance(value, str) else shown_value(value)}}}"
