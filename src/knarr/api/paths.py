"""Reading a JSON tree by dotted path; what is absent or null on the way is the default."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def dig(tree: Any, path: str, default: Any = None) -> Any:
    """`dig(pod, "status.phase", "")`; keys that hold dots themselves (labels) are read by hand."""
    for key in _keys(path):
        if type(tree) is not dict:
            return default
        tree = tree.get(key)
    return default if tree is None else tree


@lru_cache(maxsize=4096)
def _keys(path: str) -> tuple[str, ...]:
    """The same few hundred paths are read over and over."""
    return tuple(path.split("."))


def each(tree: Any, path: str) -> list[Any]:
    """The list at the path, or an empty one."""
    found = dig(tree, path)
    return found if isinstance(found, list) else []
