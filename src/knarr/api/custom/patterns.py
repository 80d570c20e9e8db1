"""Regular expressions as Go has them: in RE2 syntax, in linear time, so that no pattern can stall the server."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

_MESSAGES = (  # RE2's own words, and Go's
    ("missing ): ", "missing closing ): "),
    ("unexpected ): ", "unexpected ): "),
    ("missing ]: ", "missing closing ]: "),
    ("no argument for repetition operator: ", "missing argument to repetition operator: "),
    ("bad repetition operator: ", "invalid nested repetition operator: "),
    ("invalid perl operator: ", "invalid or unsupported Perl syntax: "),
    ("invalid repetition size: ", "invalid repeat count: "),
    ("trailing \\", "trailing backslash at end of expression: "),
)


class PatternError(ValueError):
    """A pattern that is none, in the words of Go's regexp."""


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match of the pattern anywhere. Raises PatternError."""
    import re2  # a megabyte, and most schemas have no pattern

    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        raise PatternError(_go_message(error.args[0], pattern)) from None
    return lambda text: search(text) is not None


def _go_message(error: object, pattern: str) -> str:
    text = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
    for theirs, gos in _MESSAGES:
        if text.startswith(theirs):
            text = gos + text[len(theirs) :]
            break
    what, colon, shown = text.partition(": ")
    return f"error parsing regexp: {what}: `{shown if colon else pattern}`"
