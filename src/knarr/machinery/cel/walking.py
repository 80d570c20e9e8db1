"""All nodes of a tree."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.machinery.cel.nodes import Call, Comprehension, ListOf, MapOf, Node, Select, Struct


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
