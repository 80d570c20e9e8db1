"""The numbers of messages' fields, and which of them are pointers; read from fields.txt when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Numbered:
    """A field of a message. `inlined` is the message (of the same package) whose fields JSON has in its parent."""

    name: str = ""
    pointer: bool = False  # absent and zero are different things
    inlined: str = ""
    wrapped: bool = False  # a list that is a message with its items


@cache
def fields_of(message: str) -> Mapping[int, Numbered]:
    """A message's fields by number, none for one that is not known; `message` is as `message_of` writes it."""
    package, _, _ = message.partition(" ")
    written = _messages().get(message, "")
    return dict(_numbered(package, field) for field in written.split(" ") if field)


@cache
def values_of(message: str) -> frozenset[str]:
    """The names of the message's fields that are no pointers: absent and zero are the same of them."""
    fields = fields_of(message).values()
    own = {field.name for field in fields if field.name and not field.pointer}
    return frozenset(own).union(*(values_of(field.inlined) for field in fields if field.inlined))


def message_of(definition: str) -> str:
    """The message of a schema definition: `io.k8s.api.core.v1.Pod` is `core/v1 Pod`."""
    *_, group, version, name = definition.split(".")
    return f"{group}/{version} {name}"


@cache
def _messages() -> dict[str, str]:
    text = (resources.files(__package__) / "fields.txt").read_text()
    lines = (line.split(" ", 2) for line in text.splitlines() if not line.startswith("#"))
    return {f"{package} {name}": fields for package, name, fields in lines}


def _numbered(package: str, text: str) -> tuple[int, Numbered]:
    number, _, name = text.partition(":")
    if name.startswith("("):
        return int(number), Numbered(inlined=f"{package} {name.strip('()')}")
    return int(number), Numbered(name.lstrip("*&"), pointer=name.startswith("*"), wrapped=name.startswith("&"))
