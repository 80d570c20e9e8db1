"""Which Pods are bound to which node, and what these refer to, followed in the watch cache.

A change of a Pod costs a look at its node's name; what it refers to is read when its kubelet asks for something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from knarr.api.paths import dig
from knarr.api.pods.references import references, volume_secrets
from knarr.apiserver.registry import Registry, prefix_of, tree_of
from knarr.storage.cache import Change, Entry, Following

_NODE_NAME = "spec.nodeName"  # among the selectable fields of Pods


class Tenancy:
    """The relations between nodes and what their Pods need."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pods: dict[tuple[str, str], set[str]] = {}  # keys by node and namespace
        self._needs: dict[str, frozenset[tuple[str, str]]] = {}  # by a Pod's key, as far as somebody has asked
        self._following: Following | None = None
        self._stale = True

    def hosts(self, node: str, namespace: str, pod: str) -> bool:
        """Whether this Pod is bound to the node."""
        found = self._registry.get("", "pods", namespace, pod)
        return bool(dig(found, _NODE_NAME) == node)

    def needs(self, node: str, plural: str, namespace: str, name: str) -> bool:
        """Whether a Pod that is bound to the node refers to this object of its namespace."""
        return any((plural, name) in needs for needs in self._of(node, namespace))

    def needs_volume(self, node: str, name: str) -> bool:
        """Whether a Pod that is bound to the node has a claim to this PersistentVolume."""
        volume = self._registry.get("", "persistentvolumes", "", name)
        claim = dig(volume, "spec.claimRef") or {}
        namespace, called = claim.get("namespace", ""), claim.get("name", "")
        return self.needs(node, "persistentvolumeclaims", namespace, called)

    def needs_secret(self, node: str, namespace: str, name: str) -> bool:
        """Whether a Pod that is bound to the node refers to this Secret, or a volume that it has a claim to."""
        return self.needs(node, "secrets", namespace, name) or any(
            (namespace, name) in volume_secrets(volume) and self.needs_volume(node, volume["metadata"]["name"])
            for volume in self._registry.list("", "persistentvolumes")
        )

    def names(self, group: str, plural: str, name: str, node: str) -> bool:
        """Whether an object outside of namespaces, a VolumeAttachment or a ResourceSlice, is one of this node."""
        found = self._registry.get(group, plural, "", name)
        return bool(dig(found, _NODE_NAME) == node)

    def _of(self, node: str, namespace: str) -> Iterator[frozenset[tuple[str, str]]]:
        if self._stale:
            self._load()
        for key in self._pods.get((node, namespace), ()):
            if key not in self._needs:
                entry = self._registry.cache.get(key)
                self._needs[key] = references(tree_of(entry)) if entry else frozenset()
            yield self._needs[key]

    def _load(self) -> None:
        kind = self._registry.find("", "pods")
        if kind is None:
            return
        prefix = prefix_of(kind)
        if self._following is None:
            self._following = self._registry.cache.follow(prefix, self._changed, self._lost)
        self._stale = False
        self._pods, self._needs = {}, {}
        for entry in self._registry.cache.range(prefix):
            self._place(entry)

    def _lost(self) -> None:
        self._stale = True

    def _changed(self, changes: Sequence[Change]) -> None:
        for change in changes:
            key, previous = change.entry.key, change.previous
            self._needs.pop(key, None)
            if previous and (change.type == "DELETED" or _node(previous) != _node(change.entry)):
                self._pods.get(_where(previous), set()).discard(key)
            if change.type != "DELETED":
                self._place(change.entry)

    def _place(self, entry: Entry) -> None:
        if _node(entry):
            self._pods.setdefault(_where(entry), set()).add(entry.key)


def _node(entry: Entry) -> str:
    return entry.fields.get(_NODE_NAME, "")


def _where(entry: Entry) -> tuple[str, str]:
    return _node(entry), entry.key.split("/")[-2]
