"""What a function is: its name, and one overload for each choice of argument types.

A library is a tuple of overloads (libraries/table.py). Their signatures are written as upstream documents them:
`string.charAt(int) -> string`, `sets.contains(list<T>, list<T>) -> bool`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from knarr.machinery.cel import types
from knarr.machinery.cel.types import CelType
from knarr.machinery.cel.values import Duration, Optional, Timestamp, UInt


class Extent(NamedTuple):
    """How large an argument is: characters, bytes or items, and the size of its largest item."""

    size: int
    item: int = 1


Measure = Callable[..., int]  # of the arguments' extents; never less for larger ones


def one(*_: Extent) -> int:
    return 1


@dataclass(frozen=True, slots=True, eq=False)
class Overload:
    """One way to call a function. `run` gets the receiver first.

    `cost` gives the cost from the arguments' extents, for estimates as for accounting; `grows` the most that the
    result's size can be, where that is not plain from its type; `least` that it cannot be smaller for the least
    arguments. A `priced` call costs what it is to cost, which says nothing about the time that it takes.
    """

    name: str
    member: bool
    params: tuple[CelType, ...]
    result: CelType
    run: Callable[..., Any]
    cost: Measure = one
    grows: Measure | None = None
    least: bool = False
    priced: bool = False


_NAMES: dict[str, CelType] = {
    str(t): t
    for t in (types.DYN, types.NULL, types.BOOL, types.INT, types.UINT, types.DOUBLE, types.STRING, types.BYTES)
} | {"timestamp": types.TIMESTAMP, "duration": types.DURATION}
_GENERIC = re.compile(r"([\w.]+)<(.*)>")
_SIGNATURE = re.compile(r"(?:(?P<receiver>[\w.]+(?:<.*?>+)?)\.)?(?P<name>[^\s(.]+)\((?P<params>.*)\) -> (?P<result>.+)")


def overload(
    signature: str,
    run: Callable[..., Any],
    cost: Measure = one,
    grows: Measure | None = None,
    *,
    least: bool = False,
    priced: bool = False,
) -> Overload:
    """An overload by its signature; single capitals are type parameters, other unknown names opaque types.

    What stands before the name is the receiver's type if it is one, else a part of the name (`sets.contains`).
    """
    match = _SIGNATURE.fullmatch(signature)
    if not match:
        raise ValueError(signature)
    receiver, name, params, result = match.group("receiver", "name", "params", "result")
    found = [_type(text) for text in _split(params)]
    member = bool(receiver) and _is_type(receiver)
    if member:
        found.insert(0, _type(receiver))
    elif receiver:
        name = f"{receiver}.{name}"
    return Overload(name, member, tuple(found), _type(result), run, cost, grows, least, priced)


# Types of fixed size that only functions make and take apart.
OPAQUE = frozenset(
    {
        "type",
        "net.IP",
        "net.CIDR",
        "kubernetes.URL",
        "kubernetes.Quantity",
        "kubernetes.Semver",
        "kubernetes.NamedFormat",
        "kubernetes.authorization.Authorizer",
        "kubernetes.authorization.PathCheck",
        "kubernetes.authorization.GroupCheck",
        "kubernetes.authorization.ResourceCheck",
        "kubernetes.authorization.Decision",
    }
)


def _is_type(text: str) -> bool:
    return text in _NAMES or text in OPAQUE or "<" in text or (len(text) == 1 and text.isupper())


@lru_cache(maxsize=512)
def _type(text: str) -> CelType:
    if text in _NAMES:
        return _NAMES[text]
    if len(text) == 1 and text.isupper():
        return types.variable(text)
    if generic := _GENERIC.fullmatch(text):
        name = {"optional": "optional_type"}.get(generic[1], generic[1])
        return CelType(name, tuple(_type(part) for part in _split(generic[2])))
    if text not in OPAQUE:
        raise ValueError(text)
    return CelType(text)


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


_PYTHON: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int,
    "uint": lambda value: isinstance(value, UInt),
    "double": lambda value: isinstance(value, float),
    "string": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, bytes),
    "null": lambda value: value is None,
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
    "timestamp": lambda value: isinstance(value, Timestamp),
    "duration": lambda value: isinstance(value, Duration),
    "optional_type": lambda value: isinstance(value, Optional),
    "type": lambda value: isinstance(value, CelType),
}


def accepts(type: CelType) -> Callable[[Any], bool]:
    """Whether a value may be an argument of this type, as far as its kind goes."""
    if type.variable or types.is_dyn(type):
        return lambda _: True
    opaque = type.name
    return _PYTHON.get(type.name) or (lambda value: getattr(value, "cel_type", None) == opaque)
