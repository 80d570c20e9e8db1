"""Regular expressions: matches(), find(), findAll().

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library
"""

from __future__ import annotations

from typing import Any

from knarr.machinery import regexes
from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs


def compiled(pattern: str) -> Any:
    """The pattern. Raises CelError in the words of Go's regexp."""
    try:
        return regexes.compiled(pattern)
    except regexes.RegexError as error:
        raise CelError(str(error)) from None


def _matches(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


def _find(text: str, pattern: str) -> str:
    found = compiled(pattern).search(text)
    return str(found[0]) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """As Go's FindAllString: an empty match right behind another match does not count."""
    found: list[str] = []
    end = -1
    for match in compiled(pattern).finditer(text):
        if len(found) == limit:
            break
        if match.end() > end or match.start() > end:
            found.append(str(match[0]))
        end = match.end()
    return found


OVERLOADS = (
    overload("string.matches(string) -> bool", _matches, costs.match),
    overload("matches(string, string) -> bool", _matches, costs.match),
    overload("string.find(string) -> string", _find, costs.match, costs.size()),
    overload("string.findAll(string) -> list<string>", _find_all, costs.match, costs.size()),
    overload("string.findAll(string, int) -> list<string>", _find_all, costs.match, costs.size()),
)
