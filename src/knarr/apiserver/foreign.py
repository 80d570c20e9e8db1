"""Values that another API server has written to the same etcd, made to look like our own.

Upstream's stores protobuf for its own kinds and JSON in another order of fields for custom resources, each in the
version that it prefers. What it writes is left as it is in the store; the next write of ours replaces it by JSON,
which upstream's reads just as well.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable

import orjson

from knarr.api import protobuf
from knarr.api.kind import JSON, Kind
from knarr.api.protobuf.envelopes import MAGIC, message_within
from knarr.api.protobuf.wire import BYTES, fields
from knarr.apiserver.encoding import api_version, to_storage, to_stored
from knarr.apiserver.kinds import Kinds

log = logging.getLogger(__name__)

_OURS = b'{"kind":"', b"}"


def decoder(kinds: Kinds) -> Callable[[str, bytes], bytes]:
    """From a key and its value to the value as we would have stored it; what cannot be read stays as it is."""

    def decode(key: str, value: bytes) -> bytes:
        if value.startswith(_OURS[0]) and value.endswith(_OURS[1]):
            return value
        try:
            tree = _tree(value)
            return to_stored(_stored_version(kinds.of_key(key), tree)) if tree else value
        except (ValueError, LookupError, TypeError) as error:
            log.warning("%s holds what cannot be read: %s", key, error)
            return value

    return decode


def _tree(value: bytes) -> JSON | None:
    if value.startswith(b"{"):
        found: JSON = orjson.loads(value)
        return found if isinstance(found.get("metadata"), dict) else None
    if not value.startswith(MAGIC):
        return None
    kind, raw = message_within(value)
    return _range_allocation(raw) if kind == ("v1", "RangeAllocation") else protobuf.decode(value)


def _stored_version(kind: Kind | None, tree: JSON) -> JSON:
    """The tree in our storage version; there may be several, and the servers need not agree on one."""
    if kind is None or tree.get("apiVersion") == api_version(kind, kind.storage_version):
        return tree
    version = next((v for v in kind.versions if api_version(kind, v) == tree.get("apiVersion")), None)
    if version is None:
        return tree
    return to_storage(version, tree) | {"apiVersion": api_version(kind, kind.storage_version)}


def _range_allocation(raw: bytes) -> JSON:
    """The one type that is stored and not served, so that no published schema has it: 2: range, 3: data."""
    found = {number: value for number, kind, value in fields(raw) if kind == BYTES and isinstance(value, bytes)}
    return {
        "kind": "RangeAllocation",
        "apiVersion": "v1",
        "metadata": {},
        "range": found.get(2, b"").decode(),
        "data": base64.b64encode(found.get(3, b"")).decode(),
    }
