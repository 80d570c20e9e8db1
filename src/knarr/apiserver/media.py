"""Media types: one table of how bodies are read and written, and what an Accept header chooses from it.

https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from knarr.api.types import duplicate_fields
from knarr.apiserver.jsontext import JSONSyntaxError, parse, require_writable
from knarr.machinery.errors import BadRequest, NotAcceptable, UnsupportedMediaType


@dataclass(frozen=True, slots=True)
class MediaType:
    """How one media type is read into a tree and written from one.

    `decode` is given a body and the definition that it is expected to hold, and raises BodyError. `duplicates`
    complains of each field that a body names twice, and `summed_up` makes one sentence of that; they are asked only
    when the client wants to know. `event` makes a frame of a watch of an event's type and the bytes of its object;
    what has none cannot be watched in. `free` says whether it takes what has no published type: Tables, discovery.
    """

    name: str
    decode: Callable[[bytes, str], Any]
    encode: Callable[[Any], bytes]
    duplicates: Callable[[bytes, Any], list[str]] = lambda body, tree: []
    summed_up: Callable[[list[str]], str] = ", ".join
    event: Callable[[str, bytes], bytes] | None = None
    stream_name: str = ""  # of a watch in it, where that differs
    free: bool = True


class BodyError(Exception):
    """A body that is not what its media type says."""


def _decode_json(body: bytes, definition: str) -> Any:
    try:
        return parse(body)
    except JSONSyntaxError as error:
        raise BodyError(f"couldn't get version/kind; json parse error: {error}") from None


def _decode_yaml(body: bytes, definition: str) -> Any:
    from knarr.machinery import yamls  # kubectl sends JSON: many servers never see any

    try:
        tree = yamls.load(body)
        require_writable(tree)
    except (yamls.YAMLError, JSONSyntaxError) as error:
        raise BodyError(str(error)) from None
    return tree


def _decode_protobuf(body: bytes, definition: str) -> Any:
    from knarr.api import protobuf  # as with YAML

    try:
        return protobuf.decode(body, definition)
    except protobuf.ProtobufError as error:
        raise BodyError(str(error)) from None


def _encode_protobuf(tree: Any) -> bytes:
    from knarr.api import protobuf

    return protobuf.encode(tree)


def _protobuf_event(type: str, data: bytes) -> bytes:
    from knarr.api import protobuf

    return protobuf.event(type, data)


def _json_event(type: str, data: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type.encode(), data)


def _duplicates_in_json(body: bytes, tree: Any) -> list[str]:
    return [f'duplicate field "{path}"' for path in duplicate_fields(body, tree)]


def _duplicates_in_yaml(body: bytes, tree: Any) -> list[str]:
    from knarr.machinery import yamls

    return [f'line {line}: key "{key}" already set in map' for line, key in yamls.duplicate_keys(body)]


def _encode_yaml(tree: Any) -> bytes:
    from knarr.machinery import yamls

    return yamls.dump(tree).encode()


JSON = MediaType("application/json", _decode_json, msgspec.json.encode, _duplicates_in_json, event=_json_event)
YAML = MediaType(
    "application/yaml",
    _decode_yaml,
    _encode_yaml,
    _duplicates_in_yaml,
    lambda complaints: "\n  ".join(["yaml: unmarshal errors:", *complaints]),
)
PROTOBUF = MediaType(
    "application/vnd.kubernetes.protobuf",
    _decode_protobuf,
    _encode_protobuf,
    event=_protobuf_event,
    stream_name="application/vnd.kubernetes.protobuf;stream=watch",
    free=False,
)

MEDIA_TYPES: tuple[MediaType, ...] = (JSON, YAML, PROTOBUF)
_BY_NAME = {media.name: media for media in MEDIA_TYPES}
_SHORT = 1000  # characters of an Accept header that is remembered
_MOST = 100  # media ranges of one that are looked at
META_GROUP = "meta.k8s.io"  # of most views that clients may ask for
DISCOVERY_GROUP, DISCOVERY_LIST = "apidiscovery.k8s.io", "APIGroupDiscoveryList"
_VIEWS = {  # with their groups and versions
    "Table": (META_GROUP, ("v1", "v1beta1")),
    "PartialObjectMetadata": (META_GROUP, ("v1", "v1beta1")),
    "PartialObjectMetadataList": (META_GROUP, ("v1", "v1beta1")),
    DISCOVERY_LIST: (DISCOVERY_GROUP, ("v2", "v2beta1")),
}
_PUBLISHED = frozenset({"PartialObjectMetadata", "PartialObjectMetadataList"})


@dataclass(frozen=True, slots=True)
class Output:
    """What a client asked to be answered in: a media type, and the view of the object that it wants ("" for the
    object).
    """

    media: MediaType = JSON
    view: str = ""
    view_version: str = ""


def media_type(content_type: str, accepted: Iterable[str] = tuple(_BY_NAME)) -> MediaType:
    """The table's row for a Content-Type; none given means JSON. Raises UnsupportedMediaType."""
    name = content_type.partition(";")[0].strip().lower() or JSON.name
    if name not in _BY_NAME:
        raise unknown_format(accepted)
    return _BY_NAME[name]


def to_json(content_type: str, body: bytes, definition: str) -> bytes:
    """A body of any media type as JSON, for who decodes it by himself. Raises UnsupportedMediaType, BadRequest."""
    chosen = media_type(content_type)
    if chosen is JSON:
        return body
    try:
        return msgspec.json.encode(chosen.decode(body, definition))
    except BodyError as error:
        raise BadRequest(f"the object provided is unrecognized: {error}") from None


def unknown_format(accepted: Iterable[str]) -> UnsupportedMediaType:
    listed = ", ".join(accepted)
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {listed}"
    )


def negotiate(accept: str, views: frozenset[str] = frozenset(), *, watched: bool = False, typed: bool = True) -> Output:
    """The first choice of an Accept header that can be served here: `views` are offered besides the object itself.

    `watched`: as a stream of events; `typed`: the object has a protobuf form (custom resources do not). Raises
    NotAcceptable.
    """
    negotiated = _remembered if len(accept) < _SHORT else _negotiated
    return negotiated(accept, views, watched=watched, typed=typed)


def _negotiated(accept: str, views: frozenset[str], *, watched: bool, typed: bool) -> Output:
    offered = [media for media in MEDIA_TYPES if media.event or not watched]
    for name, parameters in accepted(accept):
        for media in offered:
            if _covers(name, media.name) and (output := _output(media, parameters, views, typed=typed)):
                return output
    listed = ", ".join(f"{media.name};stream=watch" if watched else media.name for media in offered)
    raise NotAcceptable(f"only the following media types are accepted: {listed}")


_remembered = lru_cache(maxsize=256)(_negotiated)  # clients send the same few


def preferred(accept: str, offered: Iterable[str]) -> str | None:
    """The first choice of an Accept header among media types that are not of the table."""
    names = tuple(offered)
    return next((name for choice, _ in accepted(accept) for name in names if _covers(choice, name)), None)


def accepted(accept: str) -> list[tuple[str, dict[str, str]]]:
    """An Accept header's media ranges with their parameters, best first: by quality, exact names before ranges.

    Of more than anybody has a use for the first ones count.
    """
    found = []
    for clause in (accept or "*/*").split(",", _MOST)[:_MOST]:
        name, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        found.append((name.lower(), parameters))
    accepted = [choice for choice in found if _quality(choice[1]) > 0]
    return sorted(accepted, key=lambda choice: (-_quality(choice[1]), choice[0].count("*")))


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 1.0


def _covers(media_range: str, name: str) -> bool:
    return media_range in (name, "*/*") or (media_range == "application/*" and name.startswith("application/"))


def _output(media: MediaType, parameters: dict[str, str], views: frozenset[str], *, typed: bool) -> Output | None:
    view, version = parameters.get("as", ""), parameters.get("v", "")
    if not view:
        return Output(media) if typed or media is not PROTOBUF else None
    if view not in views:
        return None
    group, versions = _VIEWS[view]
    if parameters.get("g") != group or version not in versions:
        return None
    return Output(media, view, version) if media.free or view in _PUBLISHED else None
