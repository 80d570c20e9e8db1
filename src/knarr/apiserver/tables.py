"""Views of objects that are not the objects: Tables as `kubectl get` prints them, and PartialObjectMetadata.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from knarr.api.cells import AGE, NAME, Reading
from knarr.api.kind import JSON, Column, Kind
from knarr.api.schema.descriptions import description_of
from knarr.apiserver.media import META_GROUP, Output
from knarr.apiserver.request import APIRequest
from knarr.machinery.errors import BadRequest, Invalid
from knarr.machinery.fielderrors import invalid

_INCLUDES = ("None", "Metadata", "Object")


def row(kind: Kind, output: Output, tree: JSON, request: APIRequest, now: datetime) -> JSON:
    """One object as the Table that was negotiated."""
    revision = {"resourceVersion": tree["metadata"].get("resourceVersion", "")}
    return table(kind, output, (tree,), revision, now=now, include=include_object(request))


def table(
    kind: Kind,
    output: Output,
    trees: Iterable[JSON],
    metadata: JSON,
    *,
    now: datetime,
    include: str,
    headings: bool = True,
) -> JSON:
    """A Table of objects (storage version); `headings` are left out of all but a watch's first event."""
    return {
        "kind": "Table",
        "apiVersion": f"{META_GROUP}/{output.view_version}",
        "metadata": metadata,
        "columnDefinitions": [_heading(kind, column) for column in columns_of(kind)] if headings else None,
        "rows": [_row(kind, tree, now, include, output.view_version) for tree in trees],
    }


def cells(kind: Kind, tree: JSON, now: datetime) -> list[Any]:
    """What a row says of an object."""
    return [column.cell(tree, now) for column in columns_of(kind)]


def columns_of(kind: Kind) -> Sequence[Column]:
    return kind.columns or (NAME, AGE)


def include_object(request: APIRequest) -> str:
    """What each row carries of its object. Raises BadRequest."""
    include = request.parameter("includeObject") or "Metadata"
    if include not in _INCLUDES:
        fault = invalid("includeObject", include, "must be 'Metadata', 'Object', 'None', or empty")
        raise BadRequest(Invalid.of(META_GROUP, "TableOptions", "", [fault]).message)
    return include


def partial(tree: JSON, version: str) -> JSON:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"{META_GROUP}/{version}", "metadata": tree["metadata"]}


def _heading(kind: Kind, column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description or _described(kind, column),
        "priority": column.priority,
    }


def _described(kind: Kind, column: Column) -> str:
    """What the published schema says of the field that the column shows."""
    field = column.shows or (column.cell.path if isinstance(column.cell, Reading) else "")
    return description_of(kind.storage_version.definition, field) if field else ""


def _row(kind: Kind, tree: JSON, now: datetime, include: str, version: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": cells(kind, tree, now)}
    if include == "Metadata":
        row["object"] = partial(tree, version)
    elif include == "Object":
        row["object"] = tree
    return row
