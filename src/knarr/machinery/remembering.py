"""What was worked out of a tree before: the Pods of one template differ in hardly anything but their names.

A tree is known by its text, which takes a microsecond a kilobyte to write. What is remembered must follow from the tree
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

MOST = 256  # trees of one memory; with one more all are forgotten
LONGEST = 16 * 1024  # bytes of a tree's text that is remembered


class Bounded(dict[K, V]):
    """A memory of so many things: with one more all are forgotten, which costs less than to know who came first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> V:
        """Remember it, and return it."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value


class Remembered(Generic[T]):
    """A function of trees that knows its results; they are shared, and nobody changes them."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._known: Bounded[bytes, T] = Bounded(MOST)

    def __call__(self, tree: Any) -> T:
        text = msgspec.json.encode(tree)
        if text in self._known:
            return self._known[text]
        result = self._function(tree)
        return self._known.keep(text, result) if len(text) <= LONGEST else result


class Seen:
    """Trees that were met before: a container of them."""

    def __init__(self) -> None:
        self._texts: Bounded[bytes, None] = Bounded(MOST)

    def __contains__(self, tree: Any) -> bool:
        return msgspec.json.encode(tree) in self._texts

    def add(self, tree: Any) -> None:
        text = msgspec.json.encode(tree)
        if len(text) <= LONGEST:
            self._texts.keep(text, None)
