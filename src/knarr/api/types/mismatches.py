"""JSON of the wrong type, and what its author is told: the words of Go's decoder."""

from __future__ import annotations

from typing import Any

from knarr.api.types.shapes import Struct

Place = tuple[Any, Any] | None  # (the parent's place, a field's name, a map's key or an index)


class Key(str):
    """A map's key among the fields of a place."""

    __slots__ = ()


class DecodeError(Exception):
    """JSON of the wrong type, in the words of Go's decoder."""


def write_place(place: Place) -> str:
    """`spec.containers[0].image`: a place as upstream's strict decoder writes it."""
    tokens = []
    while place is not None:
        place, token = place
        tokens.append(f"[{token}]" if isinstance(token, int) else f".{token}")
    return "".join(reversed(tokens)).removeprefix(".")


def _fields_of(place: Place) -> str:
    """The same as Go's json errors write it: struct fields only."""
    names = []
    while place is not None:
        place, token = place
        if type(token) is str:
            names.append(token)
    return ".".join(reversed(names))


def found(value: Any, *, expected_number: bool = False) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return f"number {value}" if expected_number else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


class Mismatch(Exception):
    """A value of the wrong type; the struct that holds it adds its own name and place."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted


def explained(mismatch: Mismatch, shape: Struct, place: Place) -> DecodeError:
    field = f"{shape.go_name}.{_fields_of(place)}"
    return DecodeError(
        f"json: cannot unmarshal {mismatch.found} into Go struct field {field} of type {mismatch.wanted}"
    )
