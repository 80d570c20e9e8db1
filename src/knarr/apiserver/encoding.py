"""The stored form of an object, and the bytes that are served of it.

Stored is compact JSON that begins with kind, apiVersion and metadata, and lacks metadata.resourceVersion: the revision
is the store's to know. Serving the storage version is cutting the bytes open behind `"metadata":{` and putting the
revision in; other versions are converted and encoded once per revision and remembered with the cache's entry.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import msgspec
import orjson

from knarr.api.kind import JSON, Kind, Version

_OPENING = b'"metadata":{'
Buffer = bytes | memoryview
_HEAD = ("kind", "apiVersion", "metadata")


def api_version(kind: Kind, version: Version) -> str:
    """`apps/v1`, or `v1` in the core group."""
    return f"{kind.group}/{version.name}" if kind.group else version.name


def to_stored(tree: JSON) -> bytes:
    """The canonical bytes of a tree of the storage version; the tree stays as it is."""
    metadata = {key: value for key, value in tree["metadata"].items() if key != "resourceVersion"}
    rest = {key: value for key, value in tree.items() if key not in _HEAD}
    return msgspec.json.encode({"kind": tree["kind"], "apiVersion": tree["apiVersion"], "metadata": metadata, **rest})


def stored_tree(kind: Kind, value: bytes) -> JSON:
    """Stored bytes as a tree of the storage version, brought up to date where the kind's schema may have changed."""
    tree: JSON = orjson.loads(value)
    return kind.refresh(tree) if kind.refresh else tree


def with_revision(value: bytes, revision: int) -> bytes:
    """Stored bytes as they are served: with metadata.resourceVersion."""
    return b"".join(pieces(value, revision))


def pieces(value: bytes, revision: int) -> tuple[bytes, bytes, memoryview]:
    """What to join for the served bytes.

    What was never stored (a dry run's object) has revision 0, and shows none.
    """
    cut = value.index(_OPENING) + len(_OPENING)
    return value[:cut], b'"resourceVersion":"%d",' % revision if revision else b"", memoryview(value)[cut:]


def served(version: Version, value: bytes, revision: int, memo: MutableMapping[Any, Any] | None = None) -> bytes:
    """An object's JSON in a served version; `memo` remembers what had to be converted."""
    return with_revision(converted(version, value, memo), revision)


def converted(version: Version, value: bytes, memo: MutableMapping[Any, Any] | None = None) -> bytes:
    """Stored bytes as those of a served version, still without their revision."""
    if version.from_storage is None:
        return value
    form = form_of(version)
    known: bytes | None = memo.get(form) if memo is not None else None
    if known is None:
        known = to_stored(from_storage(version, orjson.loads(value)))
        if memo is not None:
            memo[form] = known
    return known


def served_tree(version: Version, value: bytes, revision: int, memo: MutableMapping[Any, Any]) -> JSON:
    """An object as views are made of it: of the storage version, but for custom resources, whose columns are those of
    the version that is asked for.
    """
    tree: JSON = orjson.loads(converted(version, value, memo) if version.own else value)
    if revision:
        tree["metadata"]["resourceVersion"] = str(revision)
    return tree


def form_of(version: Version) -> tuple[str, str, str]:
    """What the JSON of a version is remembered by."""
    return (version.definition, version.name, "json")


def from_storage(version: Version, tree: JSON) -> JSON:
    """A tree of the storage version as one of a served version; may reuse its argument."""
    return version.from_storage(tree) if version.from_storage else tree


def to_storage(version: Version, tree: JSON) -> JSON:
    """A tree of a served version as one of the storage version; may reuse its argument."""
    return version.to_storage(tree) if version.to_storage else tree
