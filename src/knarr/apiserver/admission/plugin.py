"""What an admission plugin is, and what it is shown of a write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.authn.users import User
from knarr.apiserver.registry import Lister
from knarr.machinery.errors import Cause, Forbidden

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True)
class Attributes:
    """One write: trees are of the storage version; `object` (None for DELETE) may be changed in place by who mutates.

    `warnings` go to the client, `annotations` to the audit log.
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
    generate: Callable[[], str]  # a random suffix for a name
    subresource: str = ""
    dry_run: bool = False
    options: JSON = field(default_factory=dict)  # the request's CreateOptions, UpdateOptions, ... as a tree
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)

    def forbidden(self, why: str, *causes: Cause) -> Forbidden:
        """The refusal, worded as upstream words it."""
        return Forbidden(
            f'{self.kind.qualified_resource} "{self.name}" is forbidden: {why}',
            kind=self.kind.plural,
            group=self.kind.group,
            name=self.name,
            causes=causes,
        )


class AwaitedError(Exception):
    """A refusal that may be void in a moment, since a controller is about to create the object at this address."""

    def __init__(self, refusal: Forbidden, group: str, plural: str, namespace: str, name: str) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.address = (group, plural, namespace, name)


Step = Callable[[Attributes], Awaitable[None] | None]  # raises APIError to refuse


@dataclass(frozen=True, slots=True)
class Plugin:
    """An admission plugin, whole. `mutate` may change the object, before it is validated; `validate` sees it at last.

    Either may be a coroutine function. `resources` limits the plugin to some ("pods", "ingresses.networking.k8s.io");
    subresources it never sees, unless it says so.
    """

    name: str
    mutate: Step | None = None
    validate: Step | None = None
    operations: frozenset[Operation] = frozenset({"CREATE", "UPDATE"})
    resources: tuple[str, ...] = ()
    subresources: bool = False

    def handles(self, operation: Operation, resource: str, subresource: str) -> bool:
        return (
            operation in self.operations
            and (not self.resources or resource in self.resources)
            and (self.subresources or not subresource)
        )
