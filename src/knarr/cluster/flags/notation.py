"""How a subject's flags are written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NewType, get_args, get_origin, get_type_hints

import msgspec

File = NewType("File", str)  # a file's absolute path, or empty; "-" is standard output where a flag knows that
Number = NewType("Number", float)  # a plain one, where a float is seconds

Text = msgspec.Meta


class Flags(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The flags of one subject."""

    def problems(self) -> list[str]:
        """Why these cannot be, in upstream's words; each begins with the flag."""
        return []


class Flag(msgspec.Struct, frozen=True):
    """One flag: the field it is, its type without annotations, and its help."""

    field: str
    type: Any
    help: str
    default: Any

    @property
    def name(self) -> str:
        return f"--{self.field.replace('_', '-')}"


def flags_of(subject: type[Flags]) -> Iterator[Flag]:
    """Every flag of a subject, in the order in which they are written."""
    hints = get_type_hints(subject, include_extras=True)
    for field in msgspec.structs.fields(subject):
        hint, text = hints[field.name], ""
        if get_origin(hint) is Annotated:
            hint, meta = get_args(hint)
            text = meta.description or ""
        yield Flag(field.name, hint, text, field.default)
