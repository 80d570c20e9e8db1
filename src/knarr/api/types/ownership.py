"""How the fields of a definition are owned: the shape seen as machinery.apply asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from knarr.api.schema.numbers import message_of, values_of
from knarr.api.types.attached import rules_of
from knarr.api.types.shapes import Field, Form, ListOf, MapOf, ObjectOr, Opaque, Scalar, Shape, Struct
from knarr.machinery.apply import lists, shapes, structs

_FORMS: dict[Form, shapes.Form] = {
    "string": "string",
    "bytes": "string",
    "bool": "boolean",
    "int32": "numeric",
    "int64": "numeric",
    "float64": "numeric",
}
_REPEATED = frozenset({"io.k8s.api.core.v1.PodSpec"})


@cache
def ownership(shape: Shape, map_type: str = "") -> shapes.Shape:
    """`map_type` is what the field that holds the value says of it, above its type."""
    match shape:
        case Scalar(form):
            return shapes.Scalar(_FORMS.get(form, "scalar"))
        case Opaque() | ObjectOr():
            return shapes.ANYTHING
        case ListOf(item):
            return _list(shape, ownership(item))
        case MapOf(value):
            return _owned(structs.Struct({}, others=ownership(value)), atomic=map_type == "atomic")
        case Struct():
            sort = structs.Repeated if shape.name in _REPEATED else structs.Struct
            made = sort(partial(_fields, shape), present=_present(shape))
            return _owned(made, atomic=shape.is_atomic if not map_type else map_type == "atomic")


def _owned(made: shapes.Shape, *, atomic: bool) -> shapes.Shape:
    return shapes.Atomic(made) if atomic else made


def _list(shape: ListOf, item: shapes.Shape) -> shapes.Shape:
    if shape.type == "map":
        return lists.Associative(item, shape.keys, _key_defaults(shape))
    return lists.Associative(item) if shape.type == "set" else shapes.Atomic(lists.Items(item))


def _key_defaults(shape: ListOf) -> dict[str, Any]:
    """What stands in for a key that an item leaves out: its default, where that is a constant."""
    rules = rules_of(shape.item.name) if isinstance(shape.item, Struct) else ()
    return {key: rule.defaults[key] for rule in rules for key in shape.keys if type(rule.defaults.get(key)) is str}


def _fields(shape: Struct) -> Mapping[str, shapes.Shape]:
    return {name: ownership(field.shape, field.map_type) for name, field in shape.fields.items()}


def _present(shape: Struct) -> frozenset[str]:
    """The fields that Go writes even when they are empty: structs that are no pointers, and what is required."""
    values = values_of(message_of(shape.name))
    return frozenset(name for name, field in shape.fields.items() if _is_present(shape, name, field, values))


def _is_present(shape: Struct, name: str, field: Field, values: frozenset[str]) -> bool:
    if isinstance(field.shape, ListOf | MapOf):
        return name in shape.required
    return isinstance(field.shape, Struct) and (name in values or name in shape.required)
