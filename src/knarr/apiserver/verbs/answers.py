"""Trees and stored bytes to answers: the negotiated media type and view, warnings, Status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.apiserver import media, tables
from knarr.apiserver.encoding import served
from knarr.apiserver.verbs.call import Call
from knarr.wire.messages import Response

OBJECT_VIEWS = frozenset({"Table", "PartialObjectMetadata"})


class Stored(NamedTuple):
    """An object as a write left it: canonical bytes of the storage version, and the revision to show with them."""

    value: bytes
    revision: int


def output(call: Call, views: frozenset[str] = frozenset(), framed: bool = False) -> media.Output:
    """What the request's Accept header chooses. Raises NotAcceptable."""
    return media.negotiate(call.request.http.headers.get("accept", ""), views, framed)


def object_answer(call: Call, stored: Stored, status: int = 200, memo: dict[Any, bytes] | None = None) -> Response:
    """One object in the version and form that the client asked for."""
    chosen = output(call, OBJECT_VIEWS)
    if chosen.view:
        tree = storage_tree(stored)
        return tree_answer(call, tables.view(call.kind, chosen, tree, call.request, call.registry.clock.now()), status)
    data = served(call.version, stored.value, stored.revision, memo)
    return Response(status, headers(call, chosen.media), chosen.body(data))


def storage_tree(stored: Stored) -> JSON:
    """The object as a tree of the storage version, with its resourceVersion where it has one."""
    tree: JSON = orjson.loads(stored.value)
    if stored.revision:
        tree["metadata"]["resourceVersion"] = str(stored.revision)
    return tree


def tree_answer(call: Call, tree: JSON, status: int = 200) -> Response:
    """Any tree as it is: a Scale, a Table, a Status."""
    chosen = output(call, OBJECT_VIEWS)
    return Response(status, headers(call, chosen.media), chosen.body(msgspec.json.encode(tree)))


def success(call: Call, status: int = 200, details: Mapping[str, str] | None = None) -> Response:
    """A `Status` of success."""
    tree: JSON = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        tree["details"] = {key: value for key, value in details.items() if value}
    elif status == 201:
        tree["code"] = status
    return tree_answer(call, tree, status)


def headers(call: Call, chosen: media.MediaType) -> dict[str, str]:
    texts = dict.fromkeys(text for text in (call.version.deprecated, *call.warnings) if text)
    listed = ", ".join(f"299 - {msgspec.json.encode(text).decode()}" for text in texts)
    return {"content-type": chosen.name, **({"warning": listed} if listed else {})}
