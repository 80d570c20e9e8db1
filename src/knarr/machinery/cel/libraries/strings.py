"""The standard string functions, and version 2 of the extended ones.

https://pkg.go.dev/github.com/google/cel-go/ext#Strings
"""

from __future__ import annotations

from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.libraries.formatting import format_string

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_UPPER = {small: large for large, small in _LOWER.items()}
_QUOTED = str.maketrans(dict(zip('\a\b\f\n\r\t\v\\"', ["\\" + c for c in 'abfnrtv\\"'], strict=True)))


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise CelError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if start < 0 or (start > len(text) and part):
        raise CelError(f"index out of range: {start}")
    return text.find(part, start) if part else start


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is not None and not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    if start is None:
        return text.rfind(part)
    return text.rfind(part, 0, start + len(part)) if part else start


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if not separator:
        return list(text) if count < 0 else [*text[: count - 1], *filter(None, [text[count - 1 :]])]
    return text.split(separator, count - 1 if count > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    if end is None:
        return text[start:]
    if not 0 <= end <= len(text):
        raise CelError(f"index out of range: {end}")
    if start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


def _join(parts: list[Any], separator: str = "") -> str:
    if not all(isinstance(part, str) for part in parts):
        raise CelError("join: invalid input: not a list of strings")
    return separator.join(parts)


def _quote(text: str) -> str:
    return f'"{text.translate(_QUOTED)}"'


OVERLOADS = (
    overload("string.contains(string) -> bool", str.__contains__, costs.search),
    overload("string.startsWith(string) -> bool", str.startswith, costs.traverse(1)),
    overload("string.endsWith(string) -> bool", str.endswith, costs.traverse(1)),
    overload("string.charAt(int) -> string", _char_at),
    overload("string.indexOf(string) -> int", _index_of, costs.traverse()),
    overload("string.indexOf(string, int) -> int", _index_of, costs.traverse()),
    overload("string.lastIndexOf(string) -> int", _last_index_of, costs.traverse()),
    overload("string.lastIndexOf(string, int) -> int", _last_index_of, costs.traverse()),
    overload(
        "string.lowerAscii() -> string", lambda s: s.translate(_LOWER), costs.traverse(), costs.size(), least=True
    ),
    overload(
        "string.upperAscii() -> string", lambda s: s.translate(_UPPER), costs.traverse(), costs.size(), least=True
    ),
    overload("string.replace(string, string) -> string", _replace, costs.traverse(times=2), costs.replaced),
    overload("string.replace(string, string, int) -> string", _replace, costs.traverse(times=2), costs.replaced),
    overload("string.split(string) -> list<string>", _split, costs.traverse(times=2), costs.size()),
    overload("string.split(string, int) -> list<string>", _split, costs.traverse(times=2), costs.size()),
    overload("string.substring(int) -> string", _substring, costs.traverse(), costs.size()),
    overload("string.substring(int, int) -> string", _substring, costs.traverse(), costs.size()),
    overload("string.trim() -> string", str.strip, costs.traverse(), costs.size()),
    overload("string.format(list<dyn>) -> string", format_string, costs.traverse()),
    overload("list<string>.join() -> string", _join, costs.joined, costs.joined_size),
    overload("list<string>.join(string) -> string", _join, costs.joined, costs.joined_size),
    overload("strings.quote(string) -> string", _quote, costs.traverse(), costs.quoted),
)
