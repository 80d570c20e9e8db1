"""Media types: one table of how bodies are read and written, and what an Accept header chooses from it.

https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from knarr.api.types import duplicate_fields
from knarr.apiserver.jsontext import JSONSyntaxError, syntax_error
from knarr.machinery import yamls
from knarr.machinery.errors import NotAcceptable, UnsupportedMediaType


@dataclass(frozen=True, slots=True)
class MediaType:
    """How one media type is read into a tree and written from the JSON that is served.

    `decode` raises JSONSyntaxError. `duplicates` lists the paths of fields that a body names twice; it is asked only
    when the client wants to know. `framed` says that a watch can be sent in it, one document after another.
    """

    name: str
    decode: Callable[[bytes], Any]
    encode: Callable[[bytes], bytes]
    duplicates: Callable[[bytes, Any], list[str]]
    framed: bool = False


def _decode_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise JSONSyntaxError(syntax_error(body)) from None


def _decode_yaml(body: bytes) -> Any:
    try:
        documents = [document for document in yamls.load_all(body) if document is not None]
    except yamls.YAMLError as error:
        raise JSONSyntaxError(str(error)) from None
    return documents[0] if documents else None


JSON = MediaType("application/json", _decode_json, lambda data: data, duplicate_fields, framed=True)
YAML = MediaType("application/yaml", _decode_yaml, lambda data: yamls.dump(orjson.loads(data)).encode(), lambda *_: [])

MEDIA_TYPES: tuple[MediaType, ...] = (JSON, YAML)
_BY_NAME = {media.name: media for media in MEDIA_TYPES}
_META = "meta.k8s.io"
_VIEWS = {
    "Table": ("v1", "v1beta1"),
    "PartialObjectMetadata": ("v1", "v1beta1"),
    "PartialObjectMetadataList": ("v1", "v1beta1"),
}


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


def unknown_format(accepted: Iterable[str]) -> UnsupportedMediaType:
    listed = ", ".join(accepted)
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {listed}"
    )


@lru_cache(maxsize=256)
def negotiate(accept: str, views: frozenset[str] = frozenset(), framed: bool = False) -> Output:
    """The first choice of an Accept header that can be served here: `views` are offered besides the object itself.

    Raises NotAcceptable.
    """
    for name, parameters in _choices(accept):
        output = _output(name, parameters, views)
        if output and (output.media.framed or not framed):
            return output
    listed = ", ".join(media.name for media in MEDIA_TYPES if media.framed or not framed)
    raise NotAcceptable(f"only the following media types are accepted: {listed}")


def _choices(accept: str) -> list[tuple[str, dict[str, str]]]:
    """An Accept header's media ranges with their parameters, best first."""
    found = []
    for clause in (accept or "*/*").split(","):
        name, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        found.append((name.lower(), parameters))
    return sorted(found, key=lambda choice: -_quality(choice[1]))


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 1.0


def _output(name: str, parameters: dict[str, str], views: frozenset[str]) -> Output | None:
    media = JSON if name in ("*/*", "application/*") else _BY_NAME.get(name)
    view, version = parameters.get("as", ""), parameters.get("v", "")
    if media is None or not view:
        return Output(media) if media else None
    if view not in views or parameters.get("g") != _META or version not in _VIEWS[view]:
        return None
    return Output(media, view, version)
