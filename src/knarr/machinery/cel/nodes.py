"""The syntax tree of an expression. The checker fills in each node's type, and which overloads a call may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knarr.machinery.cel.types import DYN, CelType

if TYPE_CHECKING:
    from knarr.machinery.cel.functions import Overload


@dataclass(slots=True, eq=False, kw_only=True)
class Node:
    """A part of the expression, at this offset of the source."""

    position: int
    type: CelType = DYN


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any


@dataclass(slots=True, eq=False)
class Ident(Node):
    name: str


@dataclass(slots=True, eq=False)
class Select(Node):
    """`operand.field`; `has(operand.field)` where `test`, `operand.?field` where `optional`.

    `variable` is the name of the variable that the whole is (`authorizer.requestResource`), found by the checker.
    """

    operand: Node
    field: str
    test: bool = False
    optional: bool = False
    variable: str = ""


@dataclass(slots=True, eq=False)
class Call(Node):
    """A function or operator (`_+_`); the receiver of a member call is its `target`."""

    function: str
    target: Node | None
    args: list[Node]
    overloads: tuple[Overload, ...] = ()

    @property
    def operands(self) -> list[Node]:
        return [self.target, *self.args] if self.target else self.args


@dataclass(slots=True, eq=False)
class Item:
    """An item of a list; with `?` it is there only if its optional has a value."""

    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class ListOf(Node):
    items: list[Item]


@dataclass(slots=True, eq=False)
class Entry:
    """A map's entry, or a field of an object."""

    position: int
    key: Node
    value: Node
    optional: bool = False


@dataclass(slots=True, eq=False)
class MapOf(Node):
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class Struct(Node):
    """`Object.spec{replicas: 3}`; the entries' keys are literal strings."""

    name: str
    entries: list[Entry]


@dataclass(slots=True, eq=False)
class Comprehension(Node):
    """A macro over a list or map: `kind` is its name, `names` its one or two variables.

    `parts` are the macro's expressions in their order: a predicate, a filter, a transformation. Of `cel.bind(x, a, b)`,
    which goes round nothing, `over` is what x stands for in the only part.
    """

    kind: str
    over: Node
    names: tuple[str, ...]
    parts: list[Node]
    children: dict[str, CelType] = field(default_factory=dict)  # the variables' types


def qualified(node: Node) -> str | None:
    """The dotted name that a chain of selections spells, if it is one."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test and not node.optional:
        parent = qualified(node.operand)
        return f"{parent}.{node.field}" if parent else None
    return None
