"""The views that components decode: frozen structs with just the fields that they read (docs/architecture.md, "Views").

`View` is the base of every view; what all objects share is here, what one component reads of a kind lives with the
component. A view is never sent back whole: a component sends patches, status, or objects that it owns entirely.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec


class View(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Base of all views: camel-cased on the wire (spell `field(name="podIP")` where upstream does not), extra
    fields ignored.

    Subclasses repeat `frozen=True`: type checkers do not see it inherited.
    """


class OwnerReference(View, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class Meta(View, frozen=True):
    """ObjectMeta, as far as control loops read it; times are RFC 3339 text."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    generate_name: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`namespace/name`, or `name` for what has no namespace: the key of caches and queues."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def controller(self) -> OwnerReference | None:
        """The one owner that manages the object, if any."""
        return next((o for o in self.owner_references if o.controller), None)


class Object(View, frozen=True):
    """Any object, seen through its metadata."""

    api_version: str = ""
    kind: str = ""
    metadata: Meta = Meta()


T = TypeVar("T", bound=Object)
JSON = dict[str, Any]
