"""Policies at work from the first binding on: until then no write pays for the language they are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from knarr.apiserver.admission.matching import CONFIGURATION
from knarr.apiserver.followed import Followed
from knarr.apiserver.registry import Registry

T = TypeVar("T")


class Loaded(Generic[T]):
    """What `make` makes for one kind of policies ("mutating", "validating"), while anything is bound to one."""

    def __init__(self, registry: Registry, kind: str, make: Callable[[Registry], T]) -> None:
        self._registry, self._make = registry, make
        self._bindings = Followed(registry, CONFIGURATION, f"{kind}admissionpolicybindings", lambda binding: True)
        self._made: T | None = None

    def get(self) -> T | None:
        if not self._bindings.get():
            return None
        if self._made is None:
            self._made = self._make(self._registry)
        return self._made
