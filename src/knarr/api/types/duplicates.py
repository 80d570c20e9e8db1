"""Keys that a JSON text has twice: JSON decoders keep the last one, strict field validation names them all."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import orjson


def duplicate_fields(body: bytes, tree: Any = None) -> list[str]:
    """The places of all duplicate keys (`spec.replicas`), each once; `tree` is the body as parsed, if there is one.

    A key lost takes a colon with it: a text with as many colons as its tree lost none. Only others are read again.
    """
    kept = msgspec.json.encode(orjson.loads(body) if tree is None else tree).count(b":")
    if body.count(b":") == kept and b"\\u003" not in body:  # an escaped colon could make up for one lost
        return []
    found: list[str] = []
    _collect(json.loads(body, object_pairs_hook=_Object), "", found)
    return found


class _Object(dict[str, Any]):
    """An object that remembers which of its keys it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        times = Counter(key for key, _ in pairs) if len(self) < len(pairs) else {}
        self.duplicates = [key for key, count in times.items() if count > 1]


def _collect(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Object):
        prefix = f"{path}." if path else ""
        found.extend(prefix + key for key in value.duplicates)
        for key, item in value.items():
            _collect(item, prefix + key, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _collect(item, f"{path}[{index}]", found)
