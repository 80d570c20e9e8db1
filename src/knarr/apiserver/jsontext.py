"""What is wrong with a JSON text, in the words of Go's decoder, which users know."""

from __future__ import annotations

import json
from typing import Any

import orjson


class JSONSyntaxError(Exception):
    """A text that is not JSON; the message is worded as Go's encoding/json words it."""


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
_QUOTED = {"'": "\\'", '"': '"'}  # between single quotes
_ENDED = "unexpected end of JSON input"
_SHALLOW = 250  # levels of nesting that are surely taken; what orjson can write, a little more, is the bound


def parse(body: bytes) -> Any:
    """The tree of a JSON text. Raises JSONSyntaxError."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise JSONSyntaxError(_complaint(body)) from None
    if body.count(b"{") + body.count(b"[") > _SHALLOW:  # each level takes one
        require_writable(tree)
    return tree


def require_writable(tree: Any) -> None:
    """Raises JSONSyntaxError for what is nested more deeply than orjson writes: other libraries know no such bound."""
    try:
        orjson.dumps(tree)
    except TypeError:
        raise JSONSyntaxError("exceeded max depth") from None


def _complaint(body: bytes) -> str:
    """What is wrong with a body that did not parse."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        return _worded(error)
    except (UnicodeDecodeError, RecursionError) as error:
        return "exceeded max depth" if isinstance(error, RecursionError) else "invalid UTF-8 in JSON text"
    except ValueError:  # more digits than Python makes a number of
        pass
    return "invalid number or character outside of JSON"


def _worded(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc) or error.msg.startswith("Unterminated string"):
        return _ENDED
    met = f"'{_QUOTED.get(error.doc[error.pos]) or json.dumps(error.doc[error.pos], ensure_ascii=False)[1:-1]}'"
    for expected, complaint in _COMPLAINTS:
        if error.msg.startswith(expected):
            return f"invalid character {met} {complaint}"
    inside_list = error.doc[: error.pos].rfind("[") > error.doc[: error.pos].rfind("{")
    return f"invalid character {met} after {'array element' if inside_list else 'object key:value pair'}"
