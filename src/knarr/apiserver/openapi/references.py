"""What refers to what in an OpenAPI document: `$ref`s to definitions at a place of the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knarr.api.kind import JSON

DEFINITIONS = "#/definitions/"  # where version 2 has them


def closure(tree: Any, known: Mapping[str, JSON], place: str) -> JSON:
    """The definitions that a tree refers to, and those that they refer to in turn; what is not known is left out."""
    found: JSON = {}
    waiting = _references(tree, place)
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting |= _references(found[name], place)
    return found


def _references(tree: Any, place: str) -> set[str]:
    """The names of the definitions that a tree refers to itself."""
    found: set[str] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                found.add(reference.removeprefix(place))
            stack.extend(node.values())
    return found
