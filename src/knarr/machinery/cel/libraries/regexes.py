"""Regular expressions by RE2, whose time is linear in the text: a pattern cannot be an attack.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs


def compiled(pattern: str) -> Any:
    """The pattern. Raises CelError in the words of Go's regexp."""
    return _remembered(pattern) if len(pattern) < _LONGEST_REMEMBERED else _compiled(pattern)


def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        why = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        what, _, part = why.partition(": ")
        raise CelError(f"error parsing regexp: {_GO_WORDS.get(what, what)}: `{part or pattern}`") from None


_remembered = lru_cache(maxsize=256)(_compiled)
_LONGEST_REMEMBERED = 1000  # characters
_GO_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
}


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
