"""Objects with an owner for each field: structs, maps, and what no schema describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from knarr.machinery.apply.elements import FIELD, SELF
from knarr.machinery.apply.sets import LEAF, Node, as_member, is_member
from knarr.machinery.apply.shapes import Changes, Leaf, Problem, Shape, mistyped, shown_go
from knarr.machinery.remembering import Bounded, Remembered

# All elements as leaves, the same with the object itself, and what of them has parts.
_Template = tuple[Node, Node, tuple[tuple[str, str, Shape], ...]]
_ABSENT: Any = object()
_MOST_TEMPLATES = 256  # of one struct


class Struct:
    """Named fields, and `others` for all further keys (a map has only these; without it, there are none).

    `fields` may be a function, called at first use: types may be recursive. Fields of `present` are part of every
    object even if they are left out, as Go's structs are: who fills one in does not own it itself.
    """

    is_leaf = False

    def __init__(
        self,
        fields: Mapping[str, Shape] | Callable[[], Mapping[str, Shape]],
        others: Shape | None = None,
        present: frozenset[str] = frozenset(),
    ) -> None:
        self._source, self._others, self._present = fields, others, present
        self._templates: Bounded[tuple[str, ...], _Template] = Bounded(_MOST_TEMPLATES)

    @cached_property
    def fields(self) -> Mapping[str, Shape]:
        return self._source() if callable(self._source) else self._source

    def owned(self, value: Any) -> Node | None:
        if not value:
            return LEAF
        template, _, parts = self._template(value)
        if not parts:
            return template
        node = dict(template)
        for name, element, shape in parts:
            part = shape.owned(value[name])
            if name not in self.fields:
                node[element] = as_member(part or LEAF)
            elif part is None:
                del node[element]
            else:
                node[element] = part
        return node or None

    def whole(self, value: Any) -> Node:
        if not value:
            return LEAF
        _, template, parts = self._template(value)
        if not parts:
            return template
        node = dict(template)
        for name, element, shape in parts:
            node[element] = shape.whole(value[name])
        return node

    def _template(self, value: Any) -> _Template:
        """The node of any object with these keys; structs are often alike, so theirs are remembered."""
        if not isinstance(value, dict):
            raise mistyped("map", value)
        if self._others is not None:
            return self._made(value)
        keys = tuple(value)
        known = self._templates.get(keys)
        return self._templates.keep(keys, self._made(value)) if known is None else known

    def _made(self, value: Any) -> _Template:
        names = sorted(value)
        leaves = {FIELD + name: LEAF for name in names}
        if not self.fields and self._other().is_leaf:  # a map of texts, as most are
            return leaves, {SELF: LEAF, **leaves}, ()
        shapes = ((name, FIELD + name, self.fields.get(name) or self._other()) for name in names)
        return leaves, {SELF: LEAF, **leaves}, tuple(part for part in shapes if not part[2].is_leaf)

    def changes(self, old: Any, new: Any) -> Changes:
        if not old and not new:  # an object without fields, and null
            return Changes(LEAF, None)
        old, new = old or {}, new or {}
        if not (isinstance(old, dict) and isinstance(new, dict)):
            raise mistyped("map", old if isinstance(new, dict) else new)
        if not old:
            return Changes(self._taken(new), None)
        taken: Node = {}
        removed: Node = {}
        for name in sorted(new):
            value, before = new[name], old.get(name, _ABSENT)
            if value != before:
                self._compare(name, before, value, taken, removed)
        for name in sorted(old.keys() - new.keys()):
            self._compare(name, old[name], _ABSENT, taken, removed)
        return Changes(taken or None, removed or None)

    def _taken(self, new: Any) -> Node | None:
        """What of an object is new that was not there: all but empty parts that are always present."""
        template, _, parts = self._template(new)
        node = dict(template)
        for name, element, shape in parts:
            value = new[name]
            if name not in self._present:
                node[element] = shape.whole(value)
            elif value and (found := shape.changes([] if type(value) is list else {}, value).taken) is not None:
                node[element] = found
            else:
                del node[element]
        for name in self._present:
            if not new.get(name, True):
                node.pop(FIELD + name, None)
        return node or None

    def _compare(self, name: str, before: Any, value: Any, taken: Node, removed: Node) -> None:
        shape = self.fields.get(name) or self._other()
        if before is _ABSENT or value is _ABSENT:
            known = value if before is _ABSENT else before
            if name not in self._present:
                (taken if before is _ABSENT else removed)[FIELD + name] = shape.whole(known)
                return
            nothing: Any = [] if isinstance(known, list) else {}
            if not known:
                return
            before, value = (nothing, known) if before is _ABSENT else (known, nothing)
        found = shape.changes(before, value)
        if found.taken is not None:
            taken[FIELD + name] = found.taken
        if found.removed is not None:
            removed[FIELD + name] = found.removed

    def merged(self, live: Any, config: Any) -> Any:
        if not config:
            return live or config
        if live and not isinstance(live, dict):
            raise mistyped("map", live)
        result = dict(live or {})
        for name, value in config.items():
            shape = self.fields.get(name) or self._other()
            result[name] = shape.merged(result.get(name), value)
        return result

    def without(self, value: Any, unwanted: Node) -> Any:
        if not isinstance(value, dict):
            raise mistyped("map", value)
        kept = dict(value)
        for element, node in unwanted.items():
            name = element[len(FIELD) :]
            if name not in kept or (kept[name] is None and not is_member(node)):
                continue
            shape = self.fields.get(name) or self._other()
            rest = None if is_member(node) else shape.without(kept[name], node)
            if rest is None:
                del kept[name]
            else:
                kept[name] = rest
        return kept or None

    def named(self, fields: Node) -> Node:
        return {element: self._named(element, node) for element, node in fields.items()}

    def _named(self, element: str, node: Node) -> Node:
        if not node:
            return node
        shape = self.fields.get(element[len(FIELD) :])
        return as_member(shape.named(node)) if shape else self._other().named(node)

    def check(self, value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, dict):
            if value is not None:
                problems.append(Problem(path, f"expected map, got {shown_go(value)}"))
            return
        for name, item in value.items():
            shape = self.fields.get(name) or self._others
            if shape is None:
                problems.append(Problem(f"{path}.{name}", "field not declared in schema"))
            else:
                shape.check(item, f"{path}.{name}", problems)

    def _other(self) -> Shape:
        return self._others or DEDUCED


class Repeated(Struct):
    """A struct of which many objects have the same: what the creator of one owns is remembered."""

    def __init__(self, fields: Callable[[], Mapping[str, Shape]], present: frozenset[str]) -> None:
        super().__init__(fields, present=present)
        self._new = Remembered(partial(super().changes, {}))

    def changes(self, old: Any, new: Any) -> Changes:
        return self._new(new) if new and not old else super().changes(old, new)


class _Deduced(Leaf):
    """What no schema describes: each object is a map of the same, anything else has no parts."""

    is_leaf = False

    def owned(self, value: Any) -> Node | None:
        return _OBJECT.owned(value) if isinstance(value, dict) else LEAF

    def whole(self, value: Any) -> Node:
        return _OBJECT.whole(value) if isinstance(value, dict) else LEAF

    def changes(self, old: Any, new: Any) -> Changes:
        if isinstance(old, dict) and isinstance(new, dict):
            return _OBJECT.changes(old, new)
        taken = self.whole(new)
        return Changes(taken, _OBJECT.whole(old) if isinstance(old, dict) and old else None)

    def merged(self, live: Any, config: Any) -> Any:
        if isinstance(config, dict):
            return _OBJECT.merged(live if isinstance(live, dict) else None, config)
        return config

    def without(self, value: Any, unwanted: Node) -> Any:
        return _OBJECT.without(value, unwanted) if isinstance(value, dict) else value

    def named(self, fields: Node) -> Node:
        return _OBJECT.named(fields)


DEDUCED: Shape = _Deduced()
_OBJECT = Struct({}, others=DEDUCED)
