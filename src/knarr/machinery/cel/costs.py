"""What evaluating an expression can cost, estimated from the sizes that its types allow.

The model is upstream's (cel-go's checker with Kubernetes' estimates of its own functions): names and selections cost 1,
calls 1 or what their overload says, loops their body as often as their range is long.
https://kubernetes.io/docs/reference/using-api/cel/#resource-constraints
"""

from __future__ import annotations

import math
from typing import NamedTuple

from knarr.machinery.cel.functions import OPAQUE, Extent
from knarr.machinery.cel.nodes import Call, Comprehension, ListOf, Literal, MapOf, Node, Select, Struct
from knarr.machinery.cel.types import SCALARS, UNBOUNDED, CelType

LIST_COST, MAP_COST, STRUCT_COST = 10, 30, 40


class Range(NamedTuple):
    """The least and the most of a cost or size; UNBOUNDED where no limit is known. `+` is a sum."""

    least: int
    most: int

    def __add__(self, other: Range) -> Range:  # type: ignore[override]
        return Range(capped(self.least + other.least), capped(self.most + other.most))

    def times(self, other: Range) -> Range:
        return Range(capped(self.least * other.least), capped(self.most * other.most))

    def union(self, other: Range) -> Range:
        return Range(min(self.least, other.least), max(self.most, other.most))


ZERO, ONE = Range(0, 0), Range(1, 1)
UNKNOWN = Range(0, UNBOUNDED)

# Around a macro's own expressions: what its expansion costs once, and in each round.
_ONCE = {"exists_one": Range(2, 2), "map": Range(11, 11), "filter": Range(11, 11), "transformList": Range(11, 11)}
_ROUND = {
    "all": Range(3, 3),  # the loop's condition, and the accumulator in `accumulator && predicate`
    "exists": Range(4, 4),  # as above, the condition negated
    "exists_one": Range(0, 2),
    "map": Range(12, 12),  # the accumulator, a list of one, a concatenation
    "filter": Range(1, 13),
    "transformList": Range(12, 12),
}
_MAPS = Range(31, 31)


def capped(number: int) -> int:
    return min(number, UNBOUNDED)


def scaled(size: int, factor: float) -> int:
    """A size times a factor, rounded up."""
    return UNBOUNDED if size >= UNBOUNDED else capped(math.ceil(size * factor))


def estimate(node: Node) -> Range:
    """The cost of evaluating a checked tree."""
    return Estimator().cost(node)


class Estimator:
    """One walk over a tree; remembers the sizes of what it has passed."""

    def __init__(self) -> None:
        self._sizes: dict[Node, Range] = {}

    def cost(self, node: Node) -> Range:
        match node:
            case Literal():
                return ZERO
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._sum([item.value for item in node.items], LIST_COST)
            case MapOf():
                return self._sum([part for entry in node.entries for part in (entry.key, entry.value)], MAP_COST)
            case Struct():
                return self._sum([entry.value for entry in node.entries], STRUCT_COST)
            case Comprehension():
                return self._comprehension(node)
        return ONE

    def _sum(self, nodes: list[Node], base: int) -> Range:
        total = Range(base, base)
        for node in nodes:
            total += self.cost(node)
        return total

    def _select(self, node: Select) -> Range:
        operand = self.cost(node.operand)
        counts = not node.test and (node.operand.type.name == "map" or node.operand.type.fields is not None)
        return operand + (ONE if counts else ZERO)

    def _call(self, node: Call) -> Range:
        costs = [self.cost(operand) for operand in node.operands]
        match node.function:
            case "_&&_" | "_||_":
                return Range(costs[0].least, (costs[0] + costs[1]).most)
            case "_?_:_":
                self._sizes[node] = self.size(node.args[1]).union(self.size(node.args[2]))
                return costs[0] + costs[1].union(costs[2])
        total = ZERO
        for cost in costs:
            total += cost
        return total + self._own(node)

    def _own(self, node: Call) -> Range:
        """The call without its arguments, whichever of its overloads it is."""
        least, most = self._extents(node, 0), self._extents(node, 1)
        found: Range | None = None
        for overload in node.overloads:
            cost = Range(overload.cost(*least), overload.cost(*most))
            found = cost if found is None else found.union(cost)
            if overload.grows:
                size = Range(overload.grows(*least) if overload.least else 0, overload.grows(*most))
                self._sizes[node] = size.union(self._sizes.get(node, size))
        return found or ZERO

    def _extents(self, node: Call, end: int) -> list[Extent]:
        return [Extent(self.size(operand)[end], _item_size(operand.type)[end]) for operand in node.operands]

    def _comprehension(self, node: Comprehension) -> Range:
        body = ZERO
        for part in node.parts:
            body += self.cost(part)
        over = self.cost(node.over)
        if node.kind in ("optMap", "optFlatMap"):
            return over + Range(2, (Range(4, 4) + body).most)
        if node.kind == "bind":  # a macro over a list of nothing
            self._sizes[node] = self.size(node.parts[-1])
            return over + body + Range(LIST_COST, LIST_COST)
        size = self.size(node.over)
        if node.kind not in ("all", "exists", "exists_one"):
            self._sizes[node] = Range(0 if node.kind == "filter" else size.least, size.most)
        inside = _body(node.kind, len(node.parts), body, [self.cost(part) for part in node.parts])
        return over + _ONCE.get(node.kind, _MAPS if "Map" in node.kind else ONE) + size.times(inside)

    def size(self, node: Node) -> Range:
        """How many characters, bytes or items a value has."""
        if node in self._sizes:
            return self._sizes[node]
        match node:
            case Literal(value=str() | bytes() as value):
                return Range(len(value), len(value))
            case ListOf():
                return Range(len(node.items), len(node.items))
            case MapOf():
                return Range(len(node.entries), len(node.entries))
        return _type_size(node.type)


def _body(kind: str, parts: int, body: Range, costs: list[Range]) -> Range:
    """One round of a macro. What stands behind && or a filter may not be reached."""
    around = _ROUND.get(kind, Range(2, 2))
    if kind in ("all", "exists"):
        return Range(around.least, capped(around.most + body.most))
    if parts > 1:
        return Range(costs[0].least + 1, capped(around.most + body.most))
    return around + body


def _type_size(type: CelType) -> Range:
    if type.size < UNBOUNDED:
        return Range(0, type.size)
    if type.name == "optional_type" and type.params:
        return _type_size(type.params[0])
    return ONE if type in SCALARS or type.name in OPAQUE else ZERO if type.fields is not None else UNKNOWN


def _item_size(type: CelType) -> Range:
    """The size of a list's items where comparing them depends on it; scalars count as 0."""
    if type.name != "list" or not type.params or type.params[0].name not in ("string", "bytes"):
        return ZERO
    return _type_size(type.params[0])
