"""A checked tree as closures: each node becomes a function of the frame, compiled once.

A frame is a list: first what may still be spent, then the variables, at last what may be spent on priced calls. What a
run costs for certain is charged in advance, for the whole expression and for each round of a loop (loops.py); a branch
is charged when it is taken, and calls whose cost depends on their arguments charge it themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from knarr.machinery.cel.adapting import adapter
from knarr.machinery.cel.closures import (
    binding,
    charging,
    conditional,
    conjunction,
    constant,
    disjunction,
    dispatch,
    entries_of,
    extent,
    guarded,
    optional_mapping,
    optional_selection,
    presence,
    present,
    selection,
)
from knarr.machinery.cel.costs import LIST_COST, MAP_COST, STRUCT_COST
from knarr.machinery.cel.functions import accepts, one
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
from knarr.machinery.cel.running import Code, Frame, pay, spend
from knarr.machinery.cel.types import SCALARS, is_dyn
from knarr.machinery.cel.values import Instance

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
            return constant(node.type.params[0])
        return lambda frame: frame[slot]

    def _select(self, node: Select) -> Code:
        if node.variable:
            return self._ident(Ident(node.variable, position=node.position, type=node.type))
        if node.type.name == "type" and (name := qualified(node)) and name.split(".")[0] not in self._slots:
            return constant(node.type.params[0])
        self.cost += not node.test
        operand = self.compile(node.operand)
        name = unescape(node.field) if node.operand.type.fields is not None else node.field
        if node.test:
            return presence(operand, name)
        adapt = adapter(node.type.params[0] if node.optional and node.type.params else node.type)
        if node.optional:
            return optional_selection(operand, name, adapt)
        return selection(operand, name, adapt)

    def _call(self, node: Call) -> Code:
        match node.function:
            case "_&&_":
                return conjunction(self.compile(node.args[0]), self._branch(node.args[1]))
            case "_||_":
                return disjunction(self.compile(node.args[0]), self._branch(node.args[1]))
            case "_?_:_":
                return conditional(self.compile(node.args[0]), *map(self._branch, node.args[1:]))
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
        return charging(code, cost) if cost else code

    def _charged(self, node: Call, run: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the frame before its arguments, charging what depends on them."""
        costs = {overload.cost for overload in node.overloads}
        scalar = any(operand.type in SCALARS for operand in node.operands)
        if costs == {one} or (scalar and node.function in _COMPARISONS):
            self.cost += 1
            return guarded(run)
        safe, charge = guarded(run), pay if all(overload.priced for overload in node.overloads) else spend

        def charge_and_run(frame: Frame, *arguments: Any) -> Any:
            extents = [extent(argument) for argument in arguments]
            charge(frame, max(measure(*extents) for measure in costs))
            return safe(frame, *arguments)

        return charge_and_run

    def _list(self, node: ListOf) -> Code:
        self.cost += LIST_COST
        items = [self.compile(item.value) for item in node.items]
        if not any(item.optional for item in node.items):
            return lambda frame: [item(frame) for item in items]
        optional = [item.optional for item in node.items]
        return lambda frame: present((item(frame) for item in items), optional)

    def _map(self, node: MapOf) -> Code:
        self.cost += MAP_COST
        return entries_of([(self.compile(entry.key), *self._value(entry)) for entry in node.entries])

    def _struct(self, node: Struct) -> Code:
        self.cost += STRUCT_COST
        entries = [(self.compile(entry.key), *self._value(entry)) for entry in node.entries]
        build = entries_of([(constant(unescape(key([]))), value, optional) for key, value, optional in entries])
        return lambda frame: Instance(build(frame), node.name)

    def _value(self, entry: Entry) -> tuple[Code, bool]:
        return self.compile(entry.value), entry.optional

    def _comprehension(self, node: Comprehension) -> Code:
        over = self.compile(node.over)
        before, self.cost = self.cost, _LOOP
        if node.kind == "bind":
            self.cost = before + LIST_COST
        hidden = {name: self._slots.get(name) for name in node.names}
        slots = [self._new_slot(name) for name in node.names]
        parts = [self.compile(part) for part in node.parts]
        for name, slot in hidden.items():
            self._slots.pop(name)
            if slot is not None:
                self._slots[name] = slot
        if node.kind == "bind":
            return binding(over, slots[0], parts[0])
        cost, self.cost = self.cost, before + 1
        if node.kind in ("optMap", "optFlatMap"):
            self.cost += cost
            return optional_mapping(over, slots[0], parts[0], wrap=node.kind == "optMap")
        rounds = rounds_of(slots, cost)
        return LOOPS[node.kind](over, rounds, slots, parts)

    def _new_slot(self, name: str) -> int:
        self._slots[name] = self.width
        self.width += 1
        return self.width - 1


_COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"})


def _chosen(node: Call) -> Callable[..., Any]:
    """The one function that the call is, or a choice by the arguments' types."""
    known = not any(is_dyn(operand.type) for operand in node.operands)
    functions = {overload.run for overload in node.overloads}
    if len(functions) == 1 and (known or node.function in _GENERIC):
        return functions.pop()
    return dispatch([(tuple(map(accepts, o.params)), o) for o in node.overloads])


_GENERIC = _COMPARISONS | {"_[_]", "_[?_]", "_+_", "_-_", "_*_", "_/_", "_%_", "@in", "size", "-_", "!_", "dyn", "type"}
