"""A checked tree as closures: each node becomes a function of the frame, compiled once.

A frame is a list: first what may still be spent, then the variables. What a run costs for certain is charged in
advance, for the whole expression and for each round of a loop (loops.py); a branch is charged when it is taken, and
calls whose cost depends on their arguments charge it themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from knarr.machinery.cel.adapting import adapter
from knarr.machinery.cel.costs import LIST_COST, MAP_COST, STRUCT_COST
from knarr.machinery.cel.errors import CelError, CostError, no_such_key, no_such_overload
from knarr.machinery.cel.functions import Extent, Overload, accepts, one
from knarr.machinery.cel.loops import LOOPS, rounds_of
from knarr.machinery.cel.names import unescape
from knarr.machinery.cel.nodes import (
    Call,
    Comprehension,
    Entry,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Node,
    Select,
    Struct,
    qualified,
)
from knarr.machinery.cel.running import Code, Frame, insert, spend, truth
from knarr.machinery.cel.types import SCALARS, is_dyn
from knarr.machinery.cel.values import NOTHING, Instance, Optional

_LOOP = 3  # the cost of one round, besides its body


class Compiler:
    """Compiles one tree. `cost` is what a run costs before loops and sized calls; `width` how long frames must be."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self.width = len(slots) + 1
        self.cost = 0

    def compile(self, node: Node) -> Code:
        match node:
            case Literal():
                value = node.value
                return lambda frame: value
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Struct():
                return self._struct(node)
            case Comprehension():
                return self._comprehension(node)
        raise TypeError(node)

    def _ident(self, node: Ident) -> Code:
        self.cost += 1
        slot = self._slots.get(node.name)
        if slot is None:
            return _constant(node.type.params[0])
        return lambda frame: frame[slot]

    def _select(self, node: Select) -> Code:
        if node.variable:
            return self._ident(Ident(node.variable, position=node.position, type=node.type))
        if node.type.name == "type" and (name := qualified(node)) and name.split(".")[0] not in self._slots:
            return _constant(node.type.params[0])
        self.cost += not node.test
        operand = self.compile(node.operand)
        name = unescape(node.field) if node.operand.type.fields is not None else node.field
        if node.test:
            return _presence(operand, name)
        adapt = adapter(node.type.params[0] if node.optional and node.type.params else node.type)
        if node.optional:
            return _optional_selection(operand, name, adapt)
        return _selection(operand, name, adapt)

    def _call(self, node: Call) -> Code:
        match node.function:
            case "_&&_":
                return _and(self.compile(node.args[0]), self._branch(node.args[1]))
            case "_||_":
                return _or(self.compile(node.args[0]), self._branch(node.args[1]))
            case "_?_:_":
                return _conditional(self.compile(node.args[0]), *map(self._branch, node.args[1:]))
        arguments = [self.compile(operand) for operand in node.operands]
        run = self._charged(node, _chosen(node))
        if len(arguments) == 1:
            first = arguments[0]
            return lambda frame: run(frame, first(frame))
        if len(arguments) == 2:
            first, second = arguments
            return lambda frame: run(frame, first(frame), second(frame))
        return lambda frame: run(frame, *[argument(frame) for argument in arguments])

    def _branch(self, node: Node) -> Code:
        """What may not be reached, charged when it is."""
        before, self.cost = self.cost, 0
        code = self.compile(node)
        cost, self.cost = self.cost, before
        return _charging(code, cost) if cost else code

    def _charged(self, node: Call, run: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the frame before its arguments, charging what depends on them."""
        costs = {overload.cost for overload in node.overloads}
        scalar = any(operand.type in SCALARS for operand in node.operands)
        if costs == {one} or (scalar and node.function in _COMPARISONS):
            self.cost += 1
            return _guarded(run)
        guarded = _guarded(run)

        def charge_and_run(frame: Frame, *arguments: Any) -> Any:
            extents = [_extent(argument) for argument in arguments]
            spend(frame, max(measure(*extents) for measure in costs))
            return guarded(frame, *arguments)

        return charge_and_run

    def _list(self, node: ListOf) -> Code:
        self.cost += LIST_COST
        items = [self.compile(item.value) for item in node.items]
        if not any(item.optional for item in node.items):
            return lambda frame: [item(frame) for item in items]
        optional = [item.optional for item in node.items]
        return lambda frame: _present((item(frame) for item in items), optional)

    def _map(self, node: MapOf) -> Code:
        self.cost += MAP_COST
        return _map_code([(self.compile(entry.key), *self._value(entry)) for entry in node.entries])

    def _struct(self, node: Struct) -> Code:
        self.cost += STRUCT_COST
        entries = [(self.compile(entry.key), *self._value(entry)) for entry in node.entries]
        build = _map_code([(_constant(unescape(key([]))), value, optional) for key, value, optional in entries])
        return lambda frame: Instance(build(frame), node.name)

    def _value(self, entry: Entry) -> tuple[Code, bool]:
        return self.compile(entry.value), entry.optional

    def _comprehension(self, node: Comprehension) -> Code:
        over = self.compile(node.over)
        before, self.cost = self.cost, _LOOP
        hidden = {name: self._slots.get(name) for name in node.names}
        slots = [self._new_slot(name) for name in node.names]
        parts = [self.compile(part) for part in node.parts]
        for name, slot in hidden.items():
            self._slots.pop(name)
            if slot is not None:
                self._slots[name] = slot
        cost, self.cost = self.cost, before + 1
        if node.kind in ("optMap", "optFlatMap"):
            self.cost += cost
            return _optional_mapping(over, slots[0], parts[0], wrap=node.kind == "optMap")
        rounds = rounds_of(slots, cost)
        return LOOPS[node.kind](over, rounds, slots, parts)

    def _new_slot(self, name: str) -> int:
        self._slots[name] = self.width
        self.width += 1
        return self.width - 1


_COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"})


def _guarded(run: Callable[..., Any]) -> Callable[..., Any]:
    """A value may be null whatever type is declared for it; then it has none of the type's functions."""

    def guarded(frame: Frame, *arguments: Any) -> Any:
        try:
            return run(*arguments)
        except CelError:
            raise
        except (AttributeError, TypeError, ValueError):  # the last where a number has more digits than Python reads
            raise no_such_overload() from None

    return guarded


def _charging(code: Code, cost: int) -> Code:
    def branch(frame: Frame) -> Any:
        spend(frame, cost)
        return code(frame)

    return branch


def _constant(value: Any) -> Code:
    return lambda frame: value


def _extent(value: Any) -> Extent:
    if isinstance(value, list):
        return Extent(len(value), max((len(item) for item in value if isinstance(item, str | bytes)), default=0))
    return Extent(len(value)) if isinstance(value, str | bytes | dict) else Extent(1)


def _chosen(node: Call) -> Callable[..., Any]:
    """The one function that the call is, or a choice by the arguments' types."""
    known = not any(is_dyn(operand.type) for operand in node.operands)
    functions = {overload.run for overload in node.overloads}
    if len(functions) == 1 and (known or node.function in _GENERIC):
        return functions.pop()
    return _dispatch([(tuple(map(accepts, o.params)), o) for o in node.overloads])


_GENERIC = _COMPARISONS | {"_[_]", "_[?_]", "_+_", "_-_", "_*_", "_/_", "_%_", "@in", "size", "-_", "!_", "dyn", "type"}


def _dispatch(choices: Sequence[tuple[tuple[Callable[[Any], bool], ...], Overload]]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        for tests, overload in choices:
            if all(test(argument) for test, argument in zip(tests, arguments, strict=True)):
                return overload.run(*arguments)
        raise no_such_overload()

    return run


def _member(operand: Any, name: str) -> Any:
    try:
        return operand[name]
    except KeyError:
        raise no_such_key(name) from None
    except TypeError:
        raise no_such_overload() if operand is not None else no_such_key(name) from None


def _selection(operand: Code, name: str, adapt: Callable[[Any], Any] | None) -> Code:
    def select(frame: Frame) -> Any:
        holder = operand(frame)
        if type(holder) is not dict:
            if isinstance(holder, Optional):
                return _maybe(holder.value, name, adapt) if holder.present else NOTHING
            value = _member(holder, name)
        else:
            value = holder.get(name, _MISSING)
            if value is _MISSING:
                value = _member(holder, name)
        return adapt(value) if adapt else value

    return select


_MISSING = object()


def _optional_selection(operand: Code, name: str, adapt: Callable[[Any], Any] | None) -> Code:
    def select(frame: Frame) -> Optional:
        holder = operand(frame)
        if isinstance(holder, Optional):
            return _maybe(holder.value, name, adapt) if holder.present else NOTHING
        return _maybe(holder, name, adapt)

    return select


def _maybe(holder: Any, name: str, adapt: Callable[[Any], Any] | None) -> Optional:
    if not isinstance(holder, dict):
        raise no_such_overload() if holder is not None else no_such_key(name)
    if name not in holder:
        return NOTHING
    return Optional(adapt(holder[name]) if adapt else holder[name])


def _presence(operand: Code, name: str) -> Code:
    def test(frame: Frame) -> bool:
        holder = operand(frame)
        if isinstance(holder, Optional):
            holder = holder.value if holder.present else {}
        if not isinstance(holder, dict):
            raise no_such_overload() if holder is not None else no_such_key(name)
        return name in holder

    return test


def _and(left: Code, right: Code) -> Code:
    """False wins over an error on the other side."""

    def conjunction(frame: Frame) -> bool:
        try:
            if not truth(left(frame)):
                return False
        except CostError:
            raise
        except CelError:
            if not truth(right(frame)):
                return False
            raise
        return truth(right(frame))

    return conjunction


def _or(left: Code, right: Code) -> Code:
    """True wins over an error on the other side."""

    def disjunction(frame: Frame) -> bool:
        try:
            if truth(left(frame)):
                return True
        except CostError:
            raise
        except CelError:
            if truth(right(frame)):
                return True
            raise
        return truth(right(frame))

    return disjunction


def _conditional(test: Code, yes: Code, no: Code) -> Code:
    return lambda frame: yes(frame) if truth(test(frame)) else no(frame)


def _present(values: Iterable[Any], optional: Sequence[bool]) -> list[Any]:
    found = []
    for value, may_lack in zip(values, optional, strict=True):
        if not may_lack:
            found.append(value)
        elif _as_optional(value).present:
            found.append(value.value)
    return found


def _as_optional(value: Any) -> Optional:
    if isinstance(value, Optional):
        return value
    raise CelError(f"cannot initialize optional from non-optional value {value}")


def _map_code(entries: Sequence[tuple[Code, Code, bool]]) -> Code:
    def build(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_code, value_code, optional in entries:
            key, value = key_code(frame), value_code(frame)
            if optional:
                if not _as_optional(value).present:
                    continue
                value = value.value
            insert(found, key, value)
        return found

    return build


def _optional_mapping(over: Code, slot: int, part: Code, *, wrap: bool) -> Code:
    def run(frame: Frame) -> Optional:
        found = _as_optional(over(frame))
        if not found.present:
            return NOTHING
        frame[slot] = found.value
        return Optional(part(frame)) if wrap else _as_optional(part(frame))

    return run
