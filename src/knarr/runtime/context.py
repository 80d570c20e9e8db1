"""What a reconcile function may use of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from knarr.client.objects import T
from knarr.client.resources import Resource
from knarr.machinery.clock import Clock

if TYPE_CHECKING:
    from knarr.client.client import Client
    from knarr.runtime.events import EventRecorder
    from knarr.runtime.expectations import Expectations
    from knarr.runtime.informer import Informer

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Context:
    """A controller's hands and eyes: its client, its clock, its recorder, and the caches of what it watches.

    `reader` is the client of these caches, of the process's own identity: it may list and watch whatever there is.
    """

    client: Client
    reader: Client
    clock: Clock
    events: EventRecorder
    expectations: Expectations
    informer_of: Callable[[Resource, type], Informer]  # type: ignore[type-arg]
    enqueue: Callable[[str], None]
    borrow: Callable[[Resource, type], tuple[Informer[Any], bool]]
    settings: Mapping[str, str] = field(default_factory=dict)  # what a cluster is told at its start; upstream's flags
    memories: dict[type, Any] = field(default_factory=dict)

    def cache(self, resource: Resource, view: type[T]) -> Informer[T]:
        """The cache of a watched resource, typed."""
        return self.informer_of(resource, view)

    def memory(self, kind: type[S]) -> S:
        """What the controller has seen and no object says, one of each kind; gone with the process."""
        if kind not in self.memories:
            self.memories[kind] = kind()
        known: S = self.memories[kind]
        return known
