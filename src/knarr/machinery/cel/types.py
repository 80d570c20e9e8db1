"""The types of CEL expressions, as the checker knows them.

A type is a name with parameters. Sizes and fields come along for cost estimates and selections; they are no part of a
type's identity. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#values
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

UNBOUNDED = 2**64 - 1  # a size or cost of which nothing is known


@dataclass(frozen=True, slots=True)
class CelType:
    """A type; `str()` is how messages name it.

    `size` is the most characters, bytes or items that a value has. `fields` are an object's, by their escaped names
    (names.py); None where the type is no object. `keys` are the key fields of a list that is a map
    (x-kubernetes-list-type), `unique` says that a list is a set.
    """

    name: str
    params: tuple[CelType, ...] = ()
    variable: bool = False
    size: int = field(default=UNBOUNDED, compare=False)
    fields: Mapping[str, CelType] | None = field(default=None, compare=False)
    keys: tuple[str, ...] = field(default=(), compare=False)
    unique: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.params))})" if self.params else self.name

    def sized(self, size: int) -> CelType:
        """The same type of values no larger than this."""
        return replace(self, size=size)


DYN, ERROR, NULL = CelType("dyn"), CelType("!error!"), CelType("null")
BOOL, INT, UINT, DOUBLE = CelType("bool"), CelType("int"), CelType("uint"), CelType("double")
STRING, BYTES = CelType("string"), CelType("bytes")
TIMESTAMP, DURATION = CelType("timestamp"), CelType("duration")
SCALARS = frozenset({BOOL, INT, UINT, DOUBLE, NULL, TIMESTAMP, DURATION})


def list_of(item: CelType, size: int = UNBOUNDED, *, keys: tuple[str, ...] = (), unique: bool = False) -> CelType:
    return CelType("list", (item,), size=size, keys=keys, unique=unique)


def map_of(key: CelType, value: CelType, size: int = UNBOUNDED) -> CelType:
    return CelType("map", (key, value), size=size)


def optional_of(value: CelType) -> CelType:
    return CelType("optional_type", (value,))


def type_of_type(value: CelType) -> CelType:
    return CelType("type", (value,))


def object_of(name: str, fields: Mapping[str, CelType]) -> CelType:
    """An object with these fields (by their escaped names) and no others."""
    return CelType(name, fields=fields)


def variable(name: str) -> CelType:
    """A type parameter of a function's signature."""
    return CelType(name, variable=True)


def is_dyn(type: CelType) -> bool:
    return type in (DYN, ERROR)


class Substitution:
    """What type parameters stand for, as far as it has been found out."""

    def __init__(self) -> None:
        self._bound: dict[CelType, CelType] = {}
        self._fresh = 0

    def fresh(self) -> CelType:
        self._fresh += 1
        return variable(f"_var{self._fresh}")

    def copy(self) -> Substitution:
        other = Substitution()
        other._bound, other._fresh = dict(self._bound), self._fresh
        return other

    def adopt(self, other: Substitution) -> None:
        self._bound, self._fresh = other._bound, other._fresh

    def apply(self, type: CelType, *, final: bool = False) -> CelType:
        """The type with its parameters replaced; what is unbound becomes dyn when this is `final`."""
        if type.variable:
            bound = self._bound.get(type)
            if bound is None:
                return DYN if final else type
            return self.apply(bound, final=final)
        if not type.params:
            return type
        return replace(type, params=tuple(self.apply(p, final=final) for p in type.params))

    def assignable(self, to: CelType, value: CelType) -> bool:
        """Whether a value of this type may be used where `to` is wanted; binds type parameters.

        A parameter that stands for several types becomes the most general of them.
        """
        if to.variable and to in self._bound:
            parameter, known = self._root(to), self.apply(to)
            fits = self.assignable(known, value)
            if fits and parameter in self._bound:
                self._bound[parameter] = general(self.apply(known), self.apply(value))
            return fits
        to, value = self._resolve(to), self._resolve(value)
        if to == value and not to.params:
            return True
        if to.variable:
            return self._bind(to, value)
        if value.variable:
            return self._bind(value, to)
        if is_dyn(to) or is_dyn(value):
            return True
        if value == NULL:
            return to.fields is not None or to in (TIMESTAMP, DURATION) or to.name == "optional_type"
        if to.name == value.name == "type":
            return True
        if to.name != value.name or len(to.params) != len(value.params):
            return False
        return all(map(self.assignable, to.params, value.params))

    def _root(self, parameter: CelType) -> CelType:
        """The last parameter of those that stand for each other."""
        found = parameter
        while (bound := self._bound.get(found)) is not None and bound.variable:
            found = bound
        return found

    def _resolve(self, type: CelType) -> CelType:
        found = type
        while found.variable and found in self._bound:
            found = self._bound[found]
        return found

    def _bind(self, parameter: CelType, type: CelType) -> bool:
        if _occurs(parameter, self.apply(type)):
            return False
        self._bound[parameter] = type
        return True


def general(one: CelType, other: CelType) -> CelType:
    """What both are, where one of them leaves more open."""
    if is_dyn(one) or is_dyn(other):
        return DYN
    if other.variable or one.name != other.name or len(one.params) != len(other.params):
        return one
    return replace(one, params=tuple(map(general, one.params, other.params))) if one.params else one


def _occurs(parameter: CelType, type: CelType) -> bool:
    return any(p == parameter or _occurs(parameter, p) for p in type.params)
