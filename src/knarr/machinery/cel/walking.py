"""All nodes of a tree, and the names that it leaves open."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.machinery.cel.nodes import Call, Comprehension, Ident, ListOf, MapOf, Node, Select, Struct


def children(node: Node) -> list[Node]:
    match node:
        case Select():
            return [node.operand]
        case Call():
            return node.operands
        case ListOf():
            return [item.value for item in node.items]
        case MapOf() | Struct():
            return [part for entry in node.entries for part in (entry.key, entry.value)]
        case Comprehension():
            return [node.over, *node.parts]
    return []


def nodes(root: Node) -> Iterator[Node]:
    """The tree's nodes, each before what is under it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children(node))


def free(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that are not a macro's own, and dotted ones that the checker has found to be variables."""
    match node:
        case Ident() if node.name not in bound:
            yield node.name
        case Select() if node.variable:
            yield node.variable
        case Comprehension():
            yield from free(node.over, bound)
            for part in node.parts:
                yield from free(part, bound | set(node.names))
        case _:
            for child in children(node):
                yield from free(child, bound)
