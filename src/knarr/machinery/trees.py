"""JSON trees: what is true of them whatever they mean."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import orjson

T = TypeVar("T")


def copied(tree: T) -> T:
    """A copy that shares nothing; by way of text, which is eight times faster than `copy.deepcopy`."""
    copy: T = orjson.loads(msgspec.json.encode(tree))
    return copy


def canonical_bytes(tree: Any) -> bytes:
    """The tree as text with its keys in order. Equal trees may differ in it: to Python, 1 and True are equal."""
    return msgspec.json.encode(tree, order="sorted")
