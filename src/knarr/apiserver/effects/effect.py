"""What an effect is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from knarr.api.kind import JSON
from knarr.apiserver.registry import Registry
from knarr.machinery.fielderrors import FieldError
from knarr.storage.store import Write


class RefusedError(Exception):
    """What the object asks for cannot be had: becomes a 422 on the object."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of writing a kind.

    `settle(new, old)` runs before validation and fills in what an update leaves out of earlier allocations.
    `plan(registry, new, old)` runs after it: puts what it allocates into `new` and returns the writes that go with the
    object's; `new` is None when the object is deleted, `old` when it is created. It is asked again when a commit
    conflicts on one of its writes. Raises RefusedError.
    """

    name: str
    plan: Callable[[Registry, JSON | None, JSON | None], Sequence[Write]]
    settle: Callable[[JSON, JSON | None], None] | None = None
