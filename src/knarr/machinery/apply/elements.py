"""One step of a path, as FieldsV1 writes it: a field `f:name`, an item by its keys `k:{"name":"x"}`, by its value
`v:"x"` or by its index `i:0`.

Elements are compared as text, so each has one form: keys in order, no spaces, `<`, `>` and `&` escaped as Go's encoder
does it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import orjson

from knarr.machinery.trees import canonical_bytes

SELF = "."  # among a node's elements: the node itself belongs to the set
FIELD, KEY, VALUE, INDEX = "f:", "k:", "v:", "i:"
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class ElementError(ValueError):
    """Something that cannot be a step of a path."""


def text_of(value: Any) -> str:
    """A value as it stands in an element."""
    text = canonical_bytes(value).decode()
    return text.translate(_ESCAPES) if "<" in text or ">" in text or "&" in text else text


@lru_cache(maxsize=16384)
def canonical(element: str) -> str:
    """An element that a client wrote, in its one form. Raises ElementError."""
    sort, rest = element[:2], element[2:]
    if element == SELF or sort == FIELD:
        return element
    try:
        value = orjson.loads(rest)
    except orjson.JSONDecodeError:
        raise ElementError(f"invalid path element {element!r}") from None
    if sort == VALUE:
        return VALUE + text_of(value)
    if sort == KEY and isinstance(value, dict):
        return KEY + text_of(value)
    if sort == INDEX and type(value) is int:
        return element
    raise ElementError(f"invalid path element {element!r}")


def shown(element: str) -> str:
    """As messages write it: `.spec`, `[name="x",port=80]`, `[="x"]`, `[0]`."""
    sort, rest = element[:2], element[2:]
    if sort == FIELD:
        return f".{rest}"
    if sort == KEY:
        return f"[{','.join(f'{name}={shown_value(value)}' for name, value in orjson.loads(rest).items())}]"
    return f"[{rest}]" if sort == INDEX else f"[={shown_value(orjson.loads(rest))}]"


def shown_value(value: Any) -> str:
    return msgspec.json.encode(value).decode()
