"""Who owns whom, of all objects there are: as little of each as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import field

from knarr.client.objects import Meta, Object, OwnerReference
from knarr.client.resources import Resource

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"

_NOTHING: dict[str, str] = {}


def _nothing() -> dict[str, str]:
    """One for all: who reads a cache changes nothing."""
    return _NOTHING


class TraceMeta(Meta, frozen=True):
    """Metadata without what the collector does not read: nothing on the wire has the names that are given here."""

    generate_name: str = field(default="", name="-generateName")
    creation_timestamp: str | None = field(default=None, name="-creationTimestamp")
    labels: dict[str, str] = field(default_factory=_nothing, name="-labels")
    annotations: dict[str, str] = field(default_factory=_nothing, name="-annotations")


class Trace(Object, frozen=True):
    """What the collector reads of an object that nobody else in the process reads."""

    api_version: str = field(default="", name="-apiVersion")
    kind: str = field(default="", name="-kind")
    metadata: TraceMeta = TraceMeta()


@dataclass(frozen=True, slots=True)
class Node:
    """An object in the graph."""

    resource: Resource
    object: Object

    @property
    def meta(self) -> Meta:
        return self.object.metadata

    @property
    def deleting(self) -> bool:
        return self.meta.deletion_timestamp is not None

    @property
    def orphaning(self) -> bool:
        """Whether its dependents are to be let go before it goes."""
        return self.deleting and ORPHAN in self.meta.finalizers

    @property
    def waiting(self) -> bool:
        """Whether its dependents are to go before it goes."""
        return self.deleting and FOREGROUND in self.meta.finalizers

    def blocks(self, owner: str) -> bool:
        """Whether an owner that waits, waits for this."""
        return any(ref.uid == owner and ref.block_owner_deletion for ref in self.meta.owner_references)

    def is_meant(self, ref: OwnerReference, namespace: str) -> bool:
        """Whether a reference from that namespace means this object, not only its uid."""
        same = (self.resource.kind, self.meta.name) == (ref.kind, ref.name)
        return same and self.meta.namespace in ("", namespace)


class Graph:
    """Nodes by uid, and from each owner its dependents; the owner itself need not be there."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def dependents(self, uid: str) -> list[Node]:
        """Those that name the uid as an owner."""
        return [self._nodes[dependent] for dependent in self._dependents.get(uid, ())]

    def change(self, resource: Resource, old: Object | None, new: Object | None) -> set[str]:
        """Take in a change of an object; the uids of those for which there is something to do now."""
        affected: set[str] = set()
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            affected |= self._remove(old.metadata.uid)
        if new is not None and new.metadata.uid:
            affected |= self._put(Node(resource, new))
        return affected

    def forget(self, resource: Resource) -> None:
        """Drop all objects of a resource that is no longer watched; that does not mean that they are gone."""
        for uid in [uid for uid, node in self._nodes.items() if node.resource == resource]:
            self._unlink(self._nodes.pop(uid))

    def _put(self, node: Node) -> set[str]:
        uid, before = node.meta.uid, self._nodes.get(node.meta.uid)
        if before is not None:
            self._unlink(before)
        self._nodes[uid] = node
        for ref in node.meta.owner_references:
            self._dependents.setdefault(ref.uid, {})[uid] = None
        affected = {*self._waiting_owners(node), *(self._waiting_owners(before) if before else ())}
        if node.waiting and not (before and before.waiting):
            affected.update(self._dependents.get(uid, ()))
        return affected | {uid} if self.concerns(node) else affected

    def concerns(self, node: Node) -> bool:
        """Whether there is anything to decide about a node: most have no owners, or owners that are all well."""
        if node.deleting:
            return node.orphaning or node.waiting
        return any(not self._well(node, ref) for ref in node.meta.owner_references)

    def _well(self, node: Node, ref: OwnerReference) -> bool:
        owner = self._nodes.get(ref.uid)
        return owner is not None and owner.is_meant(ref, node.meta.namespace) and not owner.waiting

    def _remove(self, uid: str) -> set[str]:
        node = self._nodes.pop(uid, None)
        if node is None:
            return set()
        self._unlink(node)
        return {*self._dependents.get(uid, ()), *self._waiting_owners(node)}

    def _unlink(self, node: Node) -> None:
        for ref in node.meta.owner_references:
            dependents = self._dependents.get(ref.uid, {})
            dependents.pop(node.meta.uid, None)
            if not dependents:
                self._dependents.pop(ref.uid, None)

    def _waiting_owners(self, node: Node) -> Iterator[str]:
        for ref in node.meta.owner_references:
            if (owner := self._nodes.get(ref.uid)) and owner.waiting:
                yield ref.uid
