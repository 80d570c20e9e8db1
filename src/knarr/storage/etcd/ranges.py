"""Keys and prefixes as etcd has them, and its key-values as Records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.storage.store import Record

Decode = Callable[[str, bytes], bytes]
"""What a key's value is for its readers: other programs on the same etcd may have written it in another form."""

ROOT = "/registry"  # what the store's keys begin with, and etcd's unless told otherwise
_ELSEWHERE = "/elsewhere"  # before what others keep in etcd by names that are ours


def as_written(key: str, value: bytes) -> bytes:
    return value


class Keys:
    """The store's keys as etcd has them: those below ROOT are kept below `root` (upstream's --etcd-prefix)."""

    def __init__(self, decode: Decode = as_written, root: str = ROOT) -> None:
        self._decode = decode
        self._root = root.rstrip("/")
        self._moved = self._root != ROOT

    def stored(self, key: str) -> bytes:
        if self._moved and key.startswith(ROOT):
            key = self._root + key.removeprefix(ROOT)
        return key.encode()

    def named(self, key: bytes) -> str:
        name = key.decode("utf-8", "replace")
        if not self._moved:
            return name
        if name.startswith(f"{self._root}/"):
            return ROOT + name.removeprefix(self._root)
        return _ELSEWHERE + name if name.startswith(ROOT) else name

    def span(self, prefix: str, start: str = "") -> tuple[bytes, bytes]:
        """First key and end of a range, as requests name them: a zero byte alone is the first of all, or no end."""
        stem = self.stored(prefix)
        low = max(stem, self.stored(start)) or b"\0"
        stem = stem.rstrip(b"\xff")
        return low, stem[:-1] + bytes([stem[-1] + 1]) if stem else b"\0"

    def value(self, key: str, value: bytes) -> bytes:
        """A value as its readers understand it."""
        return self._decode(key, value)

    def record(self, pair: Any) -> Record:
        key = self.named(pair.key)
        return Record(key, self._decode(key, pair.value), pair.create_revision, pair.mod_revision)
