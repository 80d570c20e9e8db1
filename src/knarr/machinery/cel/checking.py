"""Types of a tree: every name is looked up, every call matched with its overloads.

Type checking is gradual: dyn fits everywhere. The wording of what is wrong is cel-go's.
https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from knarr.machinery.cel import types
from knarr.machinery.cel.errors import Issue
from knarr.machinery.cel.functions import Overload
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
from knarr.machinery.cel.parsing import issue_at
from knarr.machinery.cel.types import BOOL, DYN, ERROR, INT, CelType, Substitution, is_dyn, list_of, map_of, optional_of

TYPE_NAMES: Mapping[str, CelType] = {
    "bool": BOOL,
    "int": INT,
    "uint": types.UINT,
    "double": types.DOUBLE,
    "string": types.STRING,
    "bytes": types.BYTES,
    "null_type": types.NULL,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "dyn": DYN,
    "type": CelType("type"),
    "google.protobuf.Timestamp": types.TIMESTAMP,
    "google.protobuf.Duration": types.DURATION,
    "optional_type": optional_of(DYN),
}


class Checker:
    """One check of one tree; `issues` is what it found wrong."""

    def __init__(
        self,
        source: str,
        variables: Mapping[str, CelType],
        functions: Mapping[str, Sequence[Overload]],
        structs: Callable[[str], CelType | None],
    ) -> None:
        self._source, self._functions, self._structs = source, functions, structs
        self._scopes: list[Mapping[str, CelType]] = [variables]
        self._bound = Substitution()
        self._seen: list[Node] = []
        self._mixed = 0
        self.issues: list[Issue] = []

    def check(self, root: Node) -> None:
        """Fill in the types of the tree."""
        self._visit(root)
        for node in self._seen:
            node.type = self._bound.apply(node.type, final=True)

    def _visit(self, node: Node) -> CelType:
        self._seen.append(node)
        if not isinstance(node, Literal):
            node.type = self._judge(node)
        return node.type

    def _judge(self, node: Node) -> CelType:
        match node:
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

    def _wrong(self, position: int, message: str) -> CelType:
        self.issues.append(issue_at(self._source, position, message))
        return ERROR

    def _undeclared(self, position: int, name: str) -> CelType:
        return self._wrong(position, f"undeclared reference to '{name}' (in container '')")

    def _lookup(self, name: str) -> CelType | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return types.type_of_type(TYPE_NAMES[name]) if name in TYPE_NAMES else None

    def _ident(self, node: Ident) -> CelType:
        return self._lookup(node.name) or self._undeclared(node.position, node.name)

    def _select(self, node: Select) -> CelType:
        name = qualified(node)
        if name and name in self._scopes[0]:
            node.variable = name
            return self._scopes[0][name]
        if name and name in TYPE_NAMES:
            return types.type_of_type(TYPE_NAMES[name])
        operand = self._bound.apply(self._visit(node.operand))
        inner = operand.params[0] if operand.name == "optional_type" and operand.params else operand
        field = self._field(node, self._bound.apply(inner))
        if node.test:
            return BOOL
        return optional_of(field) if (node.optional or inner is not operand) and not is_optional(field) else field

    def _field(self, node: Select, operand: CelType) -> CelType:
        if is_dyn(operand) or operand.variable:
            return DYN
        if operand.name == "map":
            return operand.params[1]
        if operand.fields is None:
            return self._wrong(node.position, f"type '{operand}' does not support field selection")
        found = operand.fields.get(node.field)
        return found or self._wrong(node.position, f"undefined field '{node.field}'")

    def _call(self, node: Call) -> CelType:
        if node.target is not None and (name := qualified(node.target)) and self._is_namespace(name):
            full = f"{name}.{node.function}"
            if full in self._functions:
                node.function, node.target = full, None
        self._mixed += node.function == "format"  # the one function whose list may hold values of several types
        arguments = [self._visit(operand) for operand in node.operands]
        self._mixed -= node.function == "format"
        candidates = self._functions.get(node.function, ())
        if not candidates:
            return self._undeclared(node.position, node.function)
        return self._resolve(node, candidates, arguments)

    def _is_namespace(self, name: str) -> bool:
        return all(name.partition(".")[0] not in scope for scope in self._scopes)

    def _resolve(self, node: Call, candidates: Sequence[Overload], arguments: Sequence[CelType]) -> CelType:
        """The overloads that the call may mean; its type, dyn where they differ in it."""
        result: CelType | None = None
        fitting = []
        for candidate in candidates:
            if candidate.member != (node.target is not None) or len(candidate.params) != len(arguments):
                continue
            names: dict[str, CelType] = {}
            params = [self._instance(param, names) for param in candidate.params]
            trial = self._bound.copy()
            if not all(map(trial.assignable, params, arguments)):
                continue
            self._bound.adopt(trial)
            fitting.append(candidate)
            found = self._bound.apply(self._instance(candidate.result, names))
            result = found if result is None or result == found else DYN
        if result is None:
            return self._wrong(node.position, self._no_match(node, arguments))
        node.overloads = tuple(fitting)
        return result

    def _no_match(self, node: Call, arguments: Sequence[CelType]) -> str:
        shown = [str(self._bound.apply(argument, final=True)) for argument in arguments]
        text = f"{shown[0]}.({', '.join(shown[1:])})" if node.target else f"({', '.join(shown)})"
        return f"found no matching overload for '{node.function}' applied to '{text}'"

    def _instance(self, type: CelType, names: dict[str, CelType]) -> CelType:
        """The type with fresh parameters in place of the signature's."""
        if type.variable:
            return names.setdefault(type.name, self._bound.fresh()) if type.name not in names else names[type.name]
        if not type.params:
            return type
        return CelType(type.name, tuple(self._instance(param, names) for param in type.params))

    def _list(self, node: ListOf) -> CelType:
        item: CelType | None = None
        for part in node.items:
            found = self._unwrapped(part.value, part.optional)
            item = self._joined(item, found, part.value.position)
        return list_of(item or self._bound.fresh())

    def _map(self, node: MapOf) -> CelType:
        key: CelType | None = None
        value: CelType | None = None
        for entry in node.entries:
            key = self._joined(key, self._visit(entry.key), entry.key.position)
            value = self._joined(value, self._unwrapped(entry.value, entry.optional), entry.value.position)
        return map_of(key or self._bound.fresh(), value or self._bound.fresh())

    def _unwrapped(self, node: Node, optional: bool) -> CelType:
        """The type of a part; of what it holds, where it is marked as optional."""
        found = self._bound.apply(self._visit(node))
        if not optional or is_dyn(found):
            return found
        if not is_optional(found):
            return self._wrong(node.position, f"expected type 'optional_type({found})' but found '{found}'")
        return found.params[0]

    def _joined(self, so_far: CelType | None, found: CelType, position: int) -> CelType:
        """All parts of a literal have one type (Kubernetes' homogeneous aggregate literals)."""
        if so_far is None:
            return found
        if self._bound.assignable(so_far, found):
            return types.general(self._bound.apply(so_far), self._bound.apply(found))
        if self._mixed:
            return DYN
        return self._wrong(position, f"expected type '{self._shown(so_far)}' but found '{self._shown(found)}'")

    def _shown(self, type: CelType) -> CelType:
        return self._bound.apply(type, final=True)

    def _struct(self, node: Struct) -> CelType:
        struct = self._structs(node.name)
        for entry in node.entries:
            self._struct_field(struct, entry)
        return struct or self._undeclared(node.position, node.name)

    def _struct_field(self, type: CelType | None, entry: Entry) -> None:
        found = self._unwrapped(entry.value, entry.optional)
        if type is None or type.fields is None or not isinstance(entry.key, Literal):
            return
        wanted = type.fields.get(entry.key.value)
        if wanted is None:
            self._wrong(entry.position, f"undefined field '{entry.key.value}'")
        elif not self._bound.assignable(wanted, found):
            text = (
                f"expected type of field '{entry.key.value}' is '{wanted}' but provided type is '{self._shown(found)}'"
            )
            self._wrong(entry.position, text)

    def _comprehension(self, node: Comprehension) -> CelType:
        over = self._bound.apply(self._visit(node.over))
        node.children = dict(zip(node.names, self._ranges(node, over), strict=True))
        self._scopes.append(node.children)
        parts = [self._visit(part) for part in node.parts]
        self._scopes.pop()
        predicates = parts if node.kind in _PREDICATES else parts[:-1]
        for part, found in zip(node.parts, predicates, strict=False):
            self._must_be_bool(node, part, found)
        return self._outcome(node, over, parts)

    def _must_be_bool(self, node: Comprehension, part: Node, found: CelType) -> None:
        if self._bound.assignable(BOOL, found):
            return
        name = {"all": "_&&_", "exists": "_||_"}.get(node.kind, "_?_:_")
        shown = f"(bool, {self._shown(found)})" if name != "_?_:_" else f"({self._shown(found)}, dyn, dyn)"
        self._wrong(node.position, f"found no matching overload for '{name}' applied to '{shown}'")

    def _ranges(self, node: Comprehension, over: CelType) -> list[CelType]:
        """The types of the variables: items of a list, keys of a map; or index and item, key and value."""
        if node.kind in _OPTIONALS:
            return [over.params[0] if is_optional(over) else DYN]
        if node.kind == "bind":
            return [over]
        if over.name == "list" and over.params:
            return [INT, over.params[0]] if len(node.names) > 1 else [over.params[0]]
        if over.name == "map" and over.params:
            return list(over.params[: len(node.names)])
        if not is_dyn(over) and not over.variable:
            text = f"expression of type '{over}' cannot be range of a comprehension (must be list, map, or dynamic)"
            self._wrong(node.over.position, text)
        return [DYN] * len(node.names)

    def _outcome(self, node: Comprehension, over: CelType, parts: list[CelType]) -> CelType:
        last = self._bound.apply(parts[-1])
        match node.kind:
            case "filter":
                return list_of(next(iter(node.children.values())))
            case "map" | "transformList":
                return list_of(last)
            case "transformMap":
                return map_of(INT if over.name == "list" else over.params[0] if over.name == "map" else DYN, last)
            case "transformMapEntry":
                return last
            case "optMap":
                return optional_of(last)
            case "optFlatMap" | "bind":
                return last
        return BOOL


_PREDICATES = frozenset({"all", "exists", "exists_one", "filter"})
_OPTIONALS = frozenset({"optMap", "optFlatMap"})


def is_optional(type: CelType) -> bool:
    return type.name == "optional_type" and bool(type.params)
