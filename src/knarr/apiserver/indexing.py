"""What the watch cache knows of an object besides its bytes: labels, and the fields that selectors may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import orjson

from knarr.api.kind import JSON, Kind
from knarr.apiserver.encoding import from_storage
from knarr.apiserver.kinds import Kinds
from knarr.storage.cache import Index
from knarr.storage.sealing import ENCRYPTED
from knarr.storage.store import Unreadable, UnreadableError


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_decode = msgspec.json.Decoder(_Object).decode
_Indexed = tuple[Mapping[str, str], Mapping[str, str]]
_NOTHING: _Indexed = ({}, {})


def index_of(kinds: Kinds) -> Index:
    """The index of a cache that holds these kinds; of others it knows the metadata, of what has another form nothing.

    A kind that changes its fields has its keys indexed again (WatchCache.reindex).
    """
    return index_by(kinds.of_key)


def index_by(kind_of: Callable[[str], Kind | None]) -> Index:
    """The index of objects whose kind a function of the key says."""

    def index(key: str, value: bytes) -> _Indexed:
        try:
            return index_value(kind_of(key), value)
        except (msgspec.ValidationError, LookupError, TypeError, AttributeError):
            return _NOTHING
        except (msgspec.DecodeError, orjson.JSONDecodeError) as error:
            raise unreadable(key, value, error) from None

    return index


def unreadable(key: str, value: bytes, error: Exception) -> UnreadableError:
    """What is wrong with a value that is no JSON."""
    if isinstance(value, Unreadable):
        return UnreadableError(key, value.why)
    if value.startswith(ENCRYPTED):  # and nobody here has been told how
        return UnreadableError(key, "identity transformer tried to read encrypted data")
    return UnreadableError(key, str(error))


def index_tree(kind: Kind, tree: JSON) -> _Indexed:
    """The same of a tree that is about to be stored."""
    metadata = tree["metadata"]
    fields = {"metadata.name": metadata.get("name", ""), "metadata.namespace": metadata.get("namespace", "")}
    fields |= {name: field(tree) for name, field in kind.fields.items()}
    return metadata.get("labels") or _NOTHING[0], fields


def index_value(kind: Kind | None, value: bytes) -> _Indexed:
    """Labels and fields of a stored value; decoded whole only for kinds that have fields of their own."""
    metadata = _decode(value).metadata
    fields = {"metadata.name": metadata.name, "metadata.namespace": metadata.namespace}
    if kind and kind.fields:
        tree = from_storage(kind.storage_version, orjson.loads(value))  # as it reads now, whatever its schema was
        fields |= {name: field(tree) for name, field in kind.fields.items()}
    return metadata.labels or _NOTHING[0], fields
