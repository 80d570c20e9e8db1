"""Functions of fields, made when first asked for: a definition may have thousands of fields that no object uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from knarr.api.kind import JSON

T = TypeVar("T")


class Lazily(dict[str, T | None], Generic[T]):
    """By a field's name, what `make` makes of its schema; None for what has no schema."""

    def __init__(self, schemas: Mapping[str, JSON] | None, make: Callable[[JSON], T | None]) -> None:
        super().__init__()
        self._schemas, self._make = schemas or {}, make

    def __missing__(self, name: str) -> T | None:
        schema = self._schemas.get(name)
        if schema is None:  # not kept: names that nobody has declared are without end
            return None
        made = self[name] = self._make(schema)
        return made
