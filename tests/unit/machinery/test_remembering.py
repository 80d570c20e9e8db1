"""Remembering by text: what is known is not worked out again, and two trees with one meaning to Python stay two."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from knarr.machinery import remembering
from knarr.machinery.remembering import Remembered, Seen


def test_a_tree_that_comes_again_is_not_worked_on_again() -> None:
    numbers = count()
    remembered = Remembered(lambda tree: next(numbers))
    assert [remembered(tree) for tree in ({"a": [1]}, {"a": [1]}, {"a": [True]}, {"a": [1]})] == [0, 0, 1, 0]


def test_a_tree_that_has_changed_is_another() -> None:
    remembered, tree = Remembered(dict), {"a": 1}
    assert remembered(tree) == {"a": 1}
    tree["a"] = 2
    assert remembered(tree) == {"a": 2}


def test_a_failure_is_not_remembered() -> None:
    def fail(tree: Any) -> None:
        raise ValueError(tree)

    remembered = Remembered(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="1"):
            remembered(1)


def test_memories_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 2)
    monkeypatch.setattr(remembering, "LONGEST", 10)
    seen = Seen()
    for tree in ("a", "x" * 10, "b"):
        seen.add(tree)
    assert [tree in seen for tree in ("a", "x" * 10, "b")] == [True, False, True]
    seen.add("c")
    assert [tree in seen for tree in ("a", "b", "c")] == [False, False, True]
