"""One file with all definitions, made at the first start and mapped into memory: a definition is parsed when asked for.

    index (JSON, one line)   {"<name>": [offset, length, offset, length], ...}: without descriptions, and with them
    definitions              JSON after JSON, where the index says

The file's name holds the package's version and the format's number: a newer one makes a new file. Where the cache
directory cannot be written, the same bytes are made in memory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.api.schema import source

FORMAT = 1


def definition(name: str) -> JSON:
    """A definition without its descriptions. Raises KeyError. The caller may keep it, and may change it."""
    return _file().definition(name)


def definitions() -> Mapping[str, JSON]:
    """All definitions as published, references in OpenAPI's form; each is parsed anew when it is looked at."""
    return _Published(_file())


class _File:
    """The mapped file (or its bytes), and where in it each definition is."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._start = data.find(b"\n") + 1
        self.index: dict[str, tuple[int, int, int, int]] = orjson.loads(data[: self._start])

    def definition(self, name: str) -> JSON:
        offset, length, _, _ = self.index[name]
        return self._parsed(offset, length)

    def published(self, name: str) -> JSON:
        _, _, offset, length = self.index[name]
        return self._parsed(offset, length)

    def _parsed(self, offset: int, length: int) -> JSON:
        begin = self._start + offset
        parsed: JSON = orjson.loads(self._data[begin : begin + length])
        return parsed


class _Published(Mapping[str, JSON]):
    def __init__(self, file: _File) -> None:
        self._file = file

    def __getitem__(self, name: str) -> JSON:
        return self._file.published(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.index)

    def __len__(self) -> int:
        return len(self._file.index)


@cache
def _file() -> _File:
    path = cache_directory() / f"schema-{source.KUBERNETES}-{source.package_version()}-{FORMAT}.bin"
    with suppress(OSError, ValueError):
        return _mapped(path)
    data = _built()
    with suppress(OSError):
        _write(path, data)
        return _mapped(path)
    return _File(data)


def cache_directory() -> Path:
    """`$XDG_CACHE_HOME/knarr`, by default `~/.cache/knarr`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "knarr"


def _mapped(path: Path) -> _File:
    with path.open("rb") as file:
        return _File(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _built() -> bytes:
    index, parts, offset = {}, [], 0
    for name, schema in source.read().items():
        short, full = msgspec.json.encode(_without_descriptions(schema)), msgspec.json.encode(schema)
        index[name] = (offset, len(short), offset + len(short), len(full))
        parts += [short, full]
        offset += len(short) + len(full)
    return msgspec.json.encode(index) + b"\n" + b"".join(parts)


def _without_descriptions(schema: Any, *, named: bool = False) -> Any:
    """A schema less its texts; below `properties` a key is a field's name, and `description` may be one."""
    if isinstance(schema, list):
        return [_without_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = ((key, value) for key, value in schema.items() if named or key != "description")
    return {key: _without_descriptions(value, named=key == "properties" and not named) for key, value in kept}


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: others may start at the same moment."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
