"""JSON trees: what is true of them whatever they mean."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import orjson

T = TypeVar("T")


def copied(tree: T) -> T:
    """A copy that shares nothing; by way of text, which is eight times faster than `copy.deepcopy`."""
    copy: T = orjson.loads(msgspec.json.encode(tree))
    return copy
