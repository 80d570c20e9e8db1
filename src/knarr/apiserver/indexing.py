"""What the watch cache knows of an object besides its bytes: labels, and the fields that selectors may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import orjson

from knarr.api.kind import Kind
from knarr.storage.cache import Index


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_decode = msgspec.json.Decoder(_Object).decode
_Indexed = tuple[Mapping[str, str], Mapping[str, str]]
_NOTHING: _Indexed = ({}, {})


def index_of(kinds: Iterable[Kind]) -> Index:
    """The index of a cache that holds these kinds; keys of others, and values that cannot be read, have nothing."""
    by_prefix = {f"{kind.prefix}/": kind for kind in kinds}

    def index(key: str, value: bytes) -> _Indexed:
        kind = _kind_of(by_prefix, key)
        try:
            return index_value(kind, value) if kind else _NOTHING
        except (msgspec.DecodeError, orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
            return _NOTHING

    return index


def _kind_of(by_prefix: Mapping[str, Kind], key: str) -> Kind | None:
    """By the two or three first parts of the key: /registry/pods/ or /registry/services/specs/."""
    parts = key.split("/", 4)
    return by_prefix.get("/".join(parts[:3]) + "/") or by_prefix.get("/".join(parts[:4]) + "/")


def index_value(kind: Kind, value: bytes) -> _Indexed:
    """Labels and fields of a stored value; decoded whole only for kinds that have fields of their own."""
    metadata = _decode(value).metadata
    fields = {"metadata.name": metadata.name, "metadata.namespace": metadata.namespace}
    if kind.fields:
        tree = orjson.loads(value)
        fields |= {name: field(tree) for name, field in kind.fields.items()}
    return metadata.labels or _NOTHING[0], fields
