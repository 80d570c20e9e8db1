"""What was worked out of a tree before: the Pods of one template differ in hardly anything but their names.

A tree is known by its text, which takes a microsecond a kilobyte to write. What is remembered must follow from the tree
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

MOST = 256  # trees of one memory; with one more all are forgotten
LONGEST = 16 * 1024  # bytes of a tree's text that is remembered


class Remembered(Generic[T]):
    """A function of trees that knows its results; they are shared, and nobody changes them."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._known: dict[bytes, T] = {}

    def __call__(self, tree: Any) -> T:
        text = msgspec.json.encode(tree)
        if text in self._known:
            return self._known[text]
        result = self._function(tree)
        if len(text) <= LONGEST:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[text] = result
        return result


class Seen:
    """Trees that were met before: a container of them."""

    def __init__(self) -> None:
        self._texts: set[bytes] = set()

    def __contains__(self, tree: Any) -> bool:
        return msgspec.json.encode(tree) in self._texts

    def add(self, tree: Any) -> None:
        text = msgspec.json.encode(tree)
        if len(text) <= LONGEST:
            if len(self._texts) >= MOST:
                self._texts.clear()
            self._texts.add(text)
