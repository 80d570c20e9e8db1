"""Lists as Tables. Their rows are made some at a time, and others are served in between: a thousand Pods take 30 ms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import orjson

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver import tables
from knarr.apiserver.encoding import served_tree
from knarr.apiserver.media import JSON as JSON_MEDIA
from knarr.apiserver.media import Output
from knarr.apiserver.representations import Item, representation
from knarr.apiserver.verbs.call import Call

_AT_ONCE = 50  # rows: one to three milliseconds
_Carried = Callable[[Kind, Version, Item], bytes] | None  # what a row has of its object


async def tabulated(call: Call, output: Output, items: Sequence[Item], metadata: JSON) -> list[bytes]:
    """The Table of a list, in pieces. Raises Invalid."""
    include, clock = tables.include_object(call.request), call.registry.clock
    now, carried = clock.now(), _carried(include, output.view_version)
    empty = tables.table(call.kind, output, (), metadata, now=now, include=include)
    pieces = [msgspec.json.encode(empty).removesuffix(b"]}")]
    for start in range(0, len(items), _AT_ONCE):
        rows = [_row(call, item, now, carried) for item in items[start : start + _AT_ONCE]]
        pieces += b","[: start > 0], msgspec.json.encode(rows)[1:-1]
        await clock.sleep(0)
    pieces.append(b"]}")
    return pieces if output.media is JSON_MEDIA else [output.media.encode(orjson.loads(b"".join(pieces)))]


def _carried(include: str, view_version: str) -> _Carried:
    if include == "None":
        return None
    view = Output(view="PartialObjectMetadata", view_version=view_version) if include == "Metadata" else Output()
    return representation(view).whole


def _row(call: Call, item: Item, now: datetime, carried: _Carried) -> dict[str, Any]:
    """One object's: what it carries is put in as the bytes that are served of it, the metadata without reading them."""
    tree = served_tree(call.version, item.value, item.revision, item.encodings)
    row: dict[str, Any] = {"cells": tables.cells(call.kind, tree, now)}
    if carried:
        row["object"] = msgspec.Raw(carried(call.kind, call.version, item))
    return row
