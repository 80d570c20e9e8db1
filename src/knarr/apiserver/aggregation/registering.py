"""The APIServices of what is served here: every version of a group has one, so that clients see all in one place.

They carry the label kube-aggregator.kubernetes.io/automanaged: `onstart` for our own groups, which are put right when
the server starts, `true` for those of custom resources, which come and go with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from knarr.api.kind import JSON, Kind
from knarr.apiserver.aggregation.registrations import GROUP, PLURAL
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.priorities import group_priority, version_priority
from knarr.apiserver.registry import Registry, born, key_of, prefix_of
from knarr.machinery.times import format_time
from knarr.storage.cache import Entry
from knarr.storage.store import Write

LABEL = "kube-aggregator.kubernetes.io/automanaged"
LOCAL = {"reason": "Local", "message": "Local APIServices are always available"}
_AT_START, _ALWAYS = "onstart", "true"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version of a group that is served here."""

    group: str
    version: str
    custom: bool

    @property
    def name(self) -> str:
        return f"{self.version}.{self.group}"

    @property
    def spec(self) -> JSON:
        named = {"group": self.group} if self.group else {}
        return {
            **named,
            "version": self.version,
            "groupPriorityMinimum": group_priority(self.group, custom=self.custom),
            "versionPriority": version_priority(self.group, self.version, custom=self.custom),
        }


def wanted(kinds: Iterable[Kind]) -> dict[str, Wanted]:
    """What there is to register, by name; the group of registrations itself is not."""
    found = (
        Wanted(kind.group, version.name, version.own is not None)
        for kind in kinds
        for version in kind.versions
        if kind.group != GROUP
    )
    return {one.name: one for one in found}


async def register(registry: Registry, *, starting: bool) -> None:
    """Make the registrations right. `starting`: those of our own groups too. Raises StoreError."""
    await registry.synced()
    kind = registry.find(GROUP, PLURAL)
    if kind is None:
        return
    found = {entry.key: entry for entry in registry.cache.range(prefix_of(kind))}
    writes = list(_writes(registry, kind, found, starting))
    if writes:
        await registry.commit(writes)


def _writes(registry: Registry, kind: Kind, found: dict[str, Entry], starting: bool) -> Iterator[Write]:
    labels = (_AT_START, _ALWAYS) if starting else (_ALWAYS,)
    needed = {key_of(kind, "", name): one for name, one in wanted(registry.kinds).items()}
    for key, one in needed.items():
        entry, label = found.get(key), _ALWAYS if one.custom else _AT_START
        if label not in labels:
            continue
        if entry is None:
            yield Write(key, to_stored(_born(registry, one, label)), expected=0)
        elif entry.labels.get(LABEL) == label and (tree := orjson.loads(entry.value))["spec"] != one.spec:
            yield Write(key, to_stored({**tree, "spec": one.spec}), expected=entry.revision)
    for key, entry in found.items():
        if key not in needed and entry.labels.get(LABEL) in labels:
            yield Write(key, None, expected=entry.revision)


def _born(registry: Registry, one: Wanted, label: str) -> JSON:
    now = format_time(registry.clock.now())
    tree = {
        "kind": "APIService",
        "apiVersion": f"{GROUP}/v1",
        "metadata": {"name": one.name, "labels": {LABEL: label}},
        "spec": one.spec,
        "status": {"conditions": [{"type": "Available", "status": "True", "lastTransitionTime": now, **LOCAL}]},
    }
    return born(tree, now)
