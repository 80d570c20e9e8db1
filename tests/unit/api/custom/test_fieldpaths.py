"""Paths to fields of a schema: where they lead, and why some lead nowhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from knarr.api.custom.fieldpaths import Field, FieldPathError, field_at

JSON = dict[str, Any]
TEXT: JSON = {"type": "string"}
LIST: JSON = {"type": "array", "items": TEXT}
MAP: JSON = {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": TEXT}}}
SCHEMA: JSON = {
    "type": "object",
    "properties": {"a": TEXT, "b.c": {"type": "object", "properties": {"d": LIST}}, "m": MAP},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", Field("", SCHEMA)),
        (".a", Field("a", TEXT)),
        ("['b.c'].d", Field("b.c.d", LIST)),
        (".m['k.l'].x", Field("m[k.l].x", TEXT)),
        (".m.k", Field("m[k]", MAP["additionalProperties"])),
    ],
)
def test_where_a_path_leads(path: str, expected: Field) -> None:
    assert field_at(path, SCHEMA) == expected


@pytest.mark.parametrize(
    ("path", "keys", "why"),
    [
        (".b", True, "does not refer to a valid field"),
        (".a.b", True, "does not refer to a valid field"),
        ("a", True, "expected [ or . but got: a"),
        (".", True, "unexpected end of JSON path"),
        ("['a'", True, "unexpected end of JSON path"),
        ("['a'.", True, "expected ] but got ."),
        ("['b.c'].d[0]", True, "expected single quoted string but got 0"),
        ("['a']", False, "array notation is not allowed"),
    ],
)
def test_why_a_path_leads_nowhere(path: str, keys: bool, why: str) -> None:
    with pytest.raises(FieldPathError, match=f"^{re.escape(why)}$"):
        field_at(path, SCHEMA, keys=keys)
