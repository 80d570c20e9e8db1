"""What a controller is: a value that names what it watches and a function that brings one key a step nearer.

reconcile(context, key)     level-based: reads caches, decides, acts through the client
  returns None              done, until something changes
  returns After(seconds)    call me again then
  raises TerminalError      this key cannot be helped; report it, do not retry
  raises anything else      retry with back-off
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knarr.client.objects import Object
from knarr.client.resources import Resource

if TYPE_CHECKING:
    from knarr.runtime.context import Context


@dataclass(frozen=True, slots=True)
class After:
    """Reconcile the key again in so many seconds."""

    seconds: float


class TerminalError(Exception):
    """A key that retrying cannot help."""


def own_key(obj: Object) -> Iterable[str]:
    """Enqueue the object itself: what a watch does unless told otherwise."""
    return (obj.metadata.key,)


@dataclass(frozen=True, slots=True)
class Watch:
    """A resource that a controller sees: through `view`, each change enqueueing `keys(old)` and `keys(new)`.

    `keys` may also take the context where a change concerns objects found in another cache (`needs_context`).
    `observe` is told of each change (context, old, new) before its keys are enqueued: where expectations are met.
    `matters`, asked about an object that changed (old, new), says whether anything needs to be enqueued at all.
    `indexes` name functions from an object to index values, for `Informer.by_index`.
    """

    resource: Resource
    view: type[Object]
    keys: Callable[..., Iterable[str]] = own_key
    needs_context: bool = False
    observe: Callable[[Context, Any, Any], None] | None = None
    matters: Callable[[Any, Any], bool] | None = None
    indexes: Mapping[str, Callable[[Any], Iterable[str]]] = field(default_factory=dict)
    label_selector: str = ""
    field_selector: str = ""


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller, whole.

    `account` is the service account of kube-system that it acts as, by default the one of its name; None is for what
    acts as the controller manager itself. `may` lists the rights that it uses as such, as "resource.group": "verbs";
    the resource "*" is any, and "resource.group=name" the one of that name. What it watches is no part of them: the
    caches are the process's own.
    `queue` is what figures call its queue, where upstream's has a name of its own ("deployment").
    `source` is the component that its events name, as upstream's do ("deployment-controller"); by default the process.
    `resync`, where time alone changes things, is the seconds between calls for every key of the first watch.
    `run`, where a controller needs more than its watches to learn what to do, runs beside the workers until cancelled.
    """

    name: str
    watches: tuple[Watch, ...]
    reconcile: Callable[[Context, str], Awaitable[After | None]]
    account: str | None = ""
    workers: int = 1
    may: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    queue: str = ""
    resync: float | None = None
    run: Callable[[Context], Awaitable[None]] | None = None

    @property
    def identity(self) -> str | None:
        """The name of its service account, if it has one."""
        return self.name if self.account == "" else self.account
