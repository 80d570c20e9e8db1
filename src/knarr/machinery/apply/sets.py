"""Sets of fields. A set is its FieldsV1 document: a tree of elements, whose nodes are in the set where they are empty
or hold the element `.`.

Sets are shared and never changed; an operation that changes nothing returns its argument itself. The elements of a
node are in order. An empty set is `{}`, which inside a set is a member without parts; so functions on nodes return None
for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from knarr.machinery.apply.elements import SELF, ElementError, canonical, shown

FieldSet = dict[str, Any]
Node = FieldSet
Filter = Callable[[FieldSet], FieldSet]  # what of a set counts
LEAF: Node = {}  # a member without parts; shared, like every node
EMPTY: FieldSet = {}
ANY = "*"  # in a pattern, every element


def decoded(document: Any) -> FieldSet:
    """The set that a FieldsV1 document is, each element in its one form. Raises ElementError."""
    if not isinstance(document, dict):
        raise ElementError("fieldsV1 must be an object")
    if not document:
        return LEAF
    parts = ((canonical(element), decoded(node)) for element, node in document.items())
    return dict(sorted(parts, key=lambda part: part[0]))


def is_member(node: Node) -> bool:
    return not node or SELF in node


def as_member(node: Node) -> Node:
    """The node, in the set itself."""
    return node if not node or SELF in node else {SELF: LEAF, **node}


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    return _joined(left, right) if left and right else left or right


def _joined(left: Node, right: Node) -> Node:
    if left is right:
        return left
    if not right:
        return as_member(left)
    if not left:
        return as_member(right)
    joined = None
    for element, node in right.items():
        known = left.get(element)
        both = node if known is None else _joined(known, node)
        if both is not known:
            joined = joined or dict(left)
            joined[element] = both
    if joined is None:
        return left
    return joined if len(joined) == len(left) else dict(sorted(joined.items()))


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What of `left` is not in `right`; members below those of `right` stay."""
    return (_less(left, right) or EMPTY) if left and right else left


def _less(left: Node, right: Node) -> Node | None:
    if not left:
        return None if is_member(right) else left
    if not right:
        return {element: node for element, node in left.items() if element != SELF} if SELF in left else left
    rest = None
    for element in left.keys() & right.keys():
        node = left[element]
        remaining = _less(node, right[element])
        if remaining is node:
            continue
        rest = dict(left) if rest is None else rest
        if remaining is None:
            del rest[element]
        else:
            rest[element] = remaining
    return left if rest is None else _tidy(rest)


def _tidy(node: Node) -> Node | None:
    """What is left of a node: nothing, the member alone, or itself."""
    if len(node) > 1:
        return node
    return LEAF if SELF in node else node or None


def without_branches(left: FieldSet, right: FieldSet) -> FieldSet:
    """What of `left` is neither in `right` nor below one of its members."""
    return (_pruned(left, right) or EMPTY) if left and right else left


def _pruned(left: Node, right: Node) -> Node | None:
    if is_member(right):
        return None
    common = left.keys() & right.keys()
    if not common:
        return left
    kept: Node = {}
    for element, node in left.items():
        remaining = _pruned(node, right[element]) if element in common else node
        if remaining is not None:
            kept[element] = remaining
    return _tidy(kept)


def within(left: FieldSet, pattern: FieldSet) -> FieldSet:
    """What of `left` is a member of a pattern, or below one."""
    return _within(left, pattern) or EMPTY


def _within(left: Node, pattern: Node) -> Node | None:
    if is_member(pattern):
        return left
    kept: Node = {}
    for element, node in left.items():
        wanted = None if element == SELF else pattern.get(element, pattern.get(ANY))
        if wanted is not None and (found := _within(node, wanted)) is not None:
            kept[element] = found
    return kept or None


def everything(fields: FieldSet) -> FieldSet:
    return fields


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    return (_common(left, right) or EMPTY) if left and right else EMPTY


def _common(left: Node, right: Node) -> Node | None:
    if not left or not right:
        return LEAF if is_member(left) and is_member(right) else None
    kept: Node = {}
    for element, node in left.items():
        if element in right and (both := _common(node, right[element])) is not None:
            kept[element] = both
    return _tidy(kept)


def paths(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """All members in order, as messages write them."""
    for element, node in fields.items():
        if element == SELF:
            continue
        path = prefix + shown(element)
        if is_member(node):
            yield path
        yield from paths(node, path)
