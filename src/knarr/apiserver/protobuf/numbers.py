"""The numbers of the fields, read from fields.txt when the first protobuf body comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Numbered:
    """A field of a message. `inlined` names the message (of the same package) whose fields JSON has in its parent."""

    name: str = ""
    pointer: bool = False
    inlined: str = ""


@cache
def fields_of(message: str) -> Mapping[int, Numbered]:
    """A message's fields by their numbers; `message` is package and type: `core/v1 PodSpec`. Raises KeyError."""
    return dict(map(_numbered, _messages()[message].split(" ")))


@cache
def _messages() -> dict[str, str]:
    text = (resources.files(__package__) / "fields.txt").read_text()
    lines = (line.split(" ", 2) for line in text.splitlines() if not line.startswith("#"))
    return {f"{package} {name}": fields for package, name, fields in lines}


def _numbered(text: str) -> tuple[int, Numbered]:
    number, _, name = text.partition(":")
    if name.startswith("("):
        return int(number), Numbered(inlined=name.strip("()"))
    return int(number), Numbered(name.lstrip("*"), pointer=name.startswith("*"))
