"""What an admission plugin is, and what it is shown of a write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.authn.users import User
from knarr.apiserver.outbound import Webhooks
from knarr.apiserver.registry import Lister, Registry
from knarr.machinery.errors import Cause, Forbidden
from knarr.storage.store import Write

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
EVERY_OPERATION: frozenset[Operation] = frozenset(("CREATE", "UPDATE", "DELETE", "CONNECT"))


@dataclass(frozen=True, slots=True)
class Form:
    """What the body of a subresource is where it is not the resource itself: a Scale, a Binding, PodExecOptions."""

    group: str
    version: str
    kind: str
    definition: str  # "" where none is published


@dataclass(slots=True)
class Reinvocation:
    """How far the mutating round is: a plugin that calls others may have it gone through once more."""

    wanted: bool = False  # by who has made a change that earlier plugins must see
    again: bool = False  # this is the second time
    memory: dict[str, Any] = field(default_factory=dict)  # of plugins by name, from the first time to the second


class Attributes(msgspec.Struct):
    """One write: trees are of the storage version; `object` (None for DELETE) may be changed in place by who mutates,
    its metadata too. An update shares with `old` what it leaves alone: further down, values are replaced.

    They lack their resourceVersion: it is `revision`. Of a subresource with a `form` of its own they are that. A name
    that is to be generated is still missing. `warnings` go to the client, `annotations` to the audit log.
    """

    operation: Operation
    kind: Kind
    version: Version  # the one that the request names
    namespace: str
    name: str
    object: JSON | None
    old: JSON | None
    user: User
    lister: Lister
    subresource: str = ""
    form: Form | None = None
    revision: int = 0  # that `old` has
    dry_run: bool = False
    seconds: float = 60  # real ones that the request may take
    options: JSON = {}  # the request's CreateOptions, UpdateOptions, ... as a tree
    warnings: list[str] = []
    annotations: dict[str, str] = {}
    reinvocation: Reinvocation = msgspec.field(default_factory=Reinvocation)

    def forbidden(self, why: str, *causes: Cause) -> Forbidden:
        """The refusal, worded as upstream words it."""
        name = self.name or self._called()
        return Forbidden(
            f'{self.kind.qualified_resource} "{name}" is forbidden: {why}',
            kind=self.kind.plural,
            group=self.kind.group,
            name=name,
            causes=causes,
        )

    def _called(self) -> str:
        """What stands in for a name that is still to be generated."""
        metadata = (self.object or {}).get("metadata") or {}
        return metadata.get("name") or metadata.get("generateName") or "Unknown"


class AwaitedError(Exception):
    """A refusal that may be void in a moment, since a controller is about to create the object at this address."""

    def __init__(self, refusal: Forbidden, group: str, plural: str, namespace: str, name: str) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.address = (group, plural, namespace, name)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plugin that keeps something of its own works with."""

    registry: Registry
    webhooks: Webhooks


Step = Callable[[Attributes], Awaitable[None] | None]  # raises APIError to refuse
Charge = Callable[[Attributes], Sequence[Write]]  # raises APIError to refuse


@dataclass(frozen=True, slots=True)
class Plugin:
    """An admission plugin, whole. `mutate` may change the object, before it is validated; `validate` sees it at last.

    Either may be a coroutine function. `charge` is what the write takes of something that its namespace shares: writes
    that are committed with it or not at all; it is asked again when somebody was faster. `resources` limits the plugin
    to some ("pods", "ingresses.networking.k8s.io"); subresources it never sees, unless it says so. A plugin that keeps
    something of its own is made for each API server by `start`.
    """

    name: str
    mutate: Step | None = None
    validate: Step | None = None
    charge: Charge | None = None
    operations: frozenset[Operation] = frozenset({"CREATE", "UPDATE"})
    resources: tuple[str, ...] = ()
    subresources: bool = False
    start: Callable[[Surroundings], Plugin] | None = None

    def handles(self, operation: Operation, resource: str, subresource: str) -> bool:
        return (
            operation in self.operations
            and (not self.resources or resource in self.resources)
            and (self.subresources or not subresource)
        )
