"""Lists whose items have owners of their own: sets, and maps keyed by some of the items' fields."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from knarr.machinery.apply.elements import KEY, SELF, VALUE, ElementError, shown, text_of
from knarr.machinery.apply.sets import LEAF, Node, as_member, is_member
from knarr.machinery.apply.shapes import Changes, Leaf, Problem, Shape, mistyped, shown_go

_DOUBLED: Any = object()
_PLAIN = (str, int, float, bool)
_first = itemgetter(0)


class Associative:
    """A list that is a map by `keys`, where `defaults` stand in for those left out; without keys it is a set.

    Stored lists may hold an element twice; then its occurrences have one owner for all. Configurations may not.
    """

    is_leaf = False

    def __init__(self, item: Shape, keys: Sequence[str] = (), defaults: Mapping[str, Any] | None = None) -> None:
        self.item, self._keys, self._defaults = item, tuple(sorted(keys)), defaults or {}
        self._listed = "[" + " ".join(f'"{key}"' for key in keys) + "]"
        self._opening = f"{KEY}{{{text_of(keys[0])}:" if len(keys) == 1 else ""  # of an element, up to its value

    def owned(self, value: Any) -> Node | None:
        if value is None:
            return LEAF
        found = self._single(value)
        return {e: LEAF if i is _DOUBLED else as_member(self.item.owned(i) or LEAF) for e, i in found} or None

    def whole(self, value: Any) -> Node:
        node = {SELF: LEAF}
        for element, item in self._single(value):
            node[element] = LEAF if item is _DOUBLED else self.item.whole(item)
        return node if value else LEAF

    def _single(self, value: Any) -> list[tuple[str, Any]]:
        """The elements in order, each with its item, or with a mark where there are several."""
        found: dict[str, Any] = {}
        for item in _items(value):
            element = self.element(item)
            found[element] = _DOUBLED if element in found else item
        return sorted(found.items(), key=_first)

    def changes(self, old: Any, new: Any) -> Changes:
        taken: Node = {}
        removed: Node = {}
        if not old and not new:  # a list without items, and null
            return Changes(LEAF, None)
        before, after = self._indexed(old or ()), self._indexed(new or ())
        for element in sorted(before.keys() | after.keys()):
            was, now = before.get(element), after.get(element)
            if was == now:
                continue
            found = self._compare(was, now)
            if found.taken is not None:
                taken[element] = found.taken
            if found.removed is not None:
                removed[element] = found.removed
        return Changes(taken or None, removed or None)

    def _compare(self, was: list[Any] | None, now: list[Any] | None) -> Changes:
        """The occurrences of one element."""
        if was is None or now is None:
            known = was or now or []
            node = self.item.whole(known[0]) if len(known) == 1 else LEAF
            return Changes(node, None) if was is None else Changes(None, node)
        if len(was) == 1 and len(now) == 1:
            return self.item.changes(was[0], now[0])
        return Changes(LEAF, self.item.whole(was[0]) if len(was) == 1 else None)

    def merged(self, live: Any, config: Any) -> Any:
        """The configuration's items in its order; the others stay before the item that they stood before."""
        if not config:
            return live or config
        wanted = {self.element(item): item for item in config}
        present = self._indexed(live or [])
        shared = deque(element for element in wanted if element in present)
        waiting = deque((self.element(item), item) for item in _items(live or ()))
        result: list[Any] = []
        for element, item in wanted.items():
            _pass_on(waiting, result, wanted, shared[0] if shared else None)
            known = present.get(element, ())
            result.append(self.item.merged(known[0] if len(known) == 1 else None, item))
            if shared and shared[0] == element:
                shared.popleft()
        _pass_on(waiting, result, wanted, None)
        return result

    def without(self, value: Any, unwanted: Node) -> Any:
        kept = []
        for item in _items(value):
            node = unwanted.get(self.element(item))
            if node is None:
                kept.append(item)
            elif not is_member(node):
                kept.append(self.item.without(item, node))
        return kept or None

    def named(self, fields: Node) -> Node:
        return {element: self.item.named(node) if node else node for element, node in fields.items()}

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, list):
            if value is not None:
                problems.append(Problem(path, f"expected list, got {shown_go(value)}"))
            return
        seen: set[str] = set()
        for index, item in enumerate(value):
            try:
                element = self.element(item)
            except ElementError as error:
                problems.append(Problem(path, f"element {index}: {error}"))
                continue
            if element in seen:
                problems.append(Problem(path, f"duplicate entries for key {shown(element)}"))
            seen.add(element)
            self.item.check(item, path + shown(element), problems)

    def element(self, item: Any) -> str:
        """The item's place in a path. Raises ElementError."""
        if not self._keys:
            return VALUE + _settled(item)
        if type(item) is not dict:
            what = "a null element" if item is None else "non-map elements"
            raise ElementError(f"associative list with keys may not have {what}")
        if self._opening and type(value := item.get(self._keys[0])) in _PLAIN:
            return _keyed(self._opening, value)
        found = {key: item.get(key, self._defaults.get(key)) for key in self._keys}
        given = {key: value for key, value in found.items() if value is not None}
        if not given:
            raise ElementError(
                f"associative list with keys has an element that omits all key fields {self._listed} "
                "(and doesn't have default values for any key fields)"
            )
        return KEY + text_of(given)

    def _indexed(self, items: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for item in _items(items):
            found.setdefault(self.element(item), []).append(item)
        return found


class Items(Leaf):
    """The list within an atomic one: nobody owns its items, but they have a type."""

    def __init__(self, item: Shape) -> None:
        self.item = item

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, list):
            if value is not None:
                problems.append(Problem(path, f"expected list, got {shown_go(value)}"))
            return
        for index, item in enumerate(value):
            self.item.check(item, f"{path}[{index}]", problems)


def _items(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise mistyped("list", value)
    return value


@lru_cache(maxsize=4096, typed=True)
def _keyed(opening: str, value: Any) -> str:
    return f"{opening}{text_of(value)}}}"


def _settled(item: Any) -> str:
    if item is None:
        raise ElementError("associative list without keys has an element that's an explicit null")
    return text_of(item)


def _pass_on(waiting: deque[tuple[str, Any]], result: list[Any], wanted: Mapping[str, Any], until: str | None) -> None:
    """Move the items that only the live list has, up to the next one that both have."""
    while waiting and waiting[0][0] != until:
        element, item = waiting.popleft()
        if element not in wanted:
            result.append(item)
