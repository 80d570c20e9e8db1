"""Regular expressions as Go has them: RE2's syntax, in time linear in the text, so that a pattern is no attack."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_LONGEST_REMEMBERED = 1000  # characters
_GO_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "trailing \\": "trailing backslash at end of expression",
}


class RegexError(ValueError):
    """A pattern that is none, in the words of Go's regexp."""


def compiled(pattern: str) -> Any:
    """The pattern, as Python's `re` would give it. Raises RegexError."""
    return _remembered(pattern) if len(pattern) < _LONGEST_REMEMBERED else _compiled(pattern)


def _compiled(pattern: str) -> Any:
    import re2  # a megabyte, which many servers never need

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        why = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        what, _, part = why.partition(": ")
        raise RegexError(f"error parsing regexp: {_GO_WORDS.get(what, what)}: `{part or pattern}`") from None


_remembered = lru_cache(maxsize=1024)(_compiled)
