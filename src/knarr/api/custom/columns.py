"""Printer columns: what a definition says that `kubectl get` shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from knarr.api.cells import NAME, since
from knarr.api.kind import JSON, Column
from knarr.machinery.jsonpath import JSONPathError, compiled
from knarr.machinery.times import TimeError

_AGE: JSON = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": (
        "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
        "guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It "
        "is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More "
        "info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
    ),
}
_DESCRIPTION = "Custom resource definition column (in JSONPath format): "


def columns_of(given: list[JSON]) -> tuple[Column, ...]:
    """The name, and what a definition asks for: by default the age."""
    return (NAME, *(_column(column) for column in given or [_AGE]))


def _column(column: JSON) -> Column:
    return Column(
        column["name"],
        _cell(column["jsonPath"], _SHOWN[column["type"]]),
        type=column["type"],
        format=column.get("format", ""),
        priority=column.get("priority", 0),
        description=column.get("description") or _DESCRIPTION + column["jsonPath"],
    )


def _cell(path: str, show: Callable[[Any, datetime], Any]) -> Callable[[JSON, datetime], Any]:
    """The first value that the path leads to; None where there is none, or where the path is none."""
    try:
        find = compiled(path)
    except JSONPathError:
        return lambda tree, now: None

    def cell(tree: JSON, now: datetime) -> Any:
        found = find(tree)
        return show(found[0], now) if found else None

    return cell


def _text(value: Any, now: datetime) -> Any:
    if isinstance(value, str):
        return value
    return "<nil>" if value is None else msgspec.json.encode(value).decode()


def _integer(value: Any, now: datetime) -> Any:
    return int(value) if type(value) in (int, float) else None


def _number(value: Any, now: datetime) -> Any:
    return value if type(value) in (int, float) else None


def _boolean(value: Any, now: datetime) -> Any:
    return value if type(value) is bool else None


def _date(value: Any, now: datetime) -> Any:
    if type(value) is not str:
        return None
    try:
        return since(value, now)
    except TimeError:
        return "<invalid>"


_SHOWN = {"string": _text, "integer": _integer, "number": _number, "boolean": _boolean, "date": _date}
