"""Keys and prefixes as etcd has them, and its key-values as Records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.storage.store import Record

Decode = Callable[[str, bytes], bytes]
"""What a key's value is for its readers: other programs on the same etcd may have written it in another form."""


def as_written(key: str, value: bytes) -> bytes:
    return value


def span(prefix: str, start: str = "") -> tuple[bytes, bytes]:
    """First key and end of a range, as requests name them: a zero byte alone is the first of all, or no end."""
    low = max(prefix.encode(), start.encode()) or b"\0"
    stem = prefix.encode().rstrip(b"\xff")
    return low, stem[:-1] + bytes([stem[-1] + 1]) if stem else b"\0"


def record_of(pair: Any, decode: Decode) -> Record:
    key = pair.key.decode("utf-8", "replace")
    return Record(key, decode(key, pair.value), pair.create_revision, pair.mod_revision)
