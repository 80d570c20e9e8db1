"""JSON text as upstream's clients see it judged: Go's words for syntax errors, and fields named twice."""

from __future__ import annotations

import json
from typing import Any

import orjson


class JSONSyntaxError(Exception):
    """A body that is not JSON (or YAML); the message is worded as Go's encoding/json words it."""


# What Python's decoder expected, and what Go's says of the character it met instead.
_COMPLAINTS = (
    ("Expecting property name", "looking for beginning of object key string"),
    ("Expecting value", "looking for beginning of value"),
    ("Expecting ':' delimiter", "after object key"),
    ("Extra data", "after top-level value"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\escape", "in string escape code"),
    ("Invalid \\uXXXX escape", "in \\u hexadecimal character escape"),
    ("Illegal trailing comma", "looking for beginning of object key string"),
)
_ENDED = "unexpected end of JSON input"


def syntax_error(body: bytes) -> str:
    """What is wrong with a body that did not parse."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        return _worded(error)
    except (UnicodeDecodeError, RecursionError) as error:
        return "exceeded max depth" if isinstance(error, RecursionError) else "invalid UTF-8 in JSON text"
    return "invalid number or character outside of JSON"


def _worded(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc) or error.msg.startswith("Unterminated string"):
        return _ENDED
    character = error.doc[error.pos]
    met = "'" + ("\\'" if character == "'" else json.dumps(character, ensure_ascii=False)[1:-1]) + "'"
    for expected, complaint in _COMPLAINTS:
        if error.msg.startswith(expected):
            return f"invalid character {met} {complaint}"
    inside_list = error.doc[: error.pos].rfind("[") > error.doc[: error.pos].rfind("{")
    return f"invalid character {met} after {'array element' if inside_list else 'object key:value pair'}"


def duplicate_fields(body: bytes, tree: Any) -> list[str]:
    """The paths of fields that occur twice in one object of the body; `tree` is what the body decoded to.

    A body without duplicates has as many quotes as its decoded tree has when encoded again, which is cheap to count; only on a
    difference (or an escaped quote that could hide one) the text is read again, slowly.
    """
    if b"\\u0022" not in body and orjson.dumps(tree).count(b'"') == body.count(b'"'):
        return []
    found: list[str] = []
    _walk(json.loads(body, object_pairs_hook=_Pairs), "", found)
    return found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, in order."""


def _walk(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, member in value:
            here = f"{path}.{name}" if path else name
            if name in seen:
                found.append(here)
            seen.add(name)
            _walk(member, here, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(item, f"{path}[{index}]", found)
