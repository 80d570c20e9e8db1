"""Estimated costs, held against figures that upstream's documentation and cost model give."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.machinery.cel import DYN, INT, STRING, CelType, Environment, list_of, type_of_schema

UNLIMITED = 3 * 1024 * 1024


def cost(text: str, of: CelType) -> int:
    return Environment({"self": of}, bindings=True).compile(text).cost.most


@pytest.mark.parametrize(
    ("text", "type", "expected"),
    [
        ("self + 1 > 2", INT, 3),
        ("self.startsWith('0123456789a')", STRING, 3),
        ("self == 'ab'", STRING.sized(100), 2),
        ("self.contains('0123456789')", STRING.sized(100), 1 + 10 * 1),
        ("self.matches('0123456789ab')", STRING.sized(99), 1 + 10 * 3),
        ("self.all(x, x > 0)", list_of(INT, 10), 2 + 10 * (3 + 2)),
        ("self.all(x, self.all(y, x == y))", list_of(INT, 10), 2 + 10 * (3 + 2 + 10 * (3 + 3))),
        ("1 in self", list_of(INT, 10), 11),
        ("self.isSorted()", list_of(STRING.sized(20), 10), 1 + 10 * 3),
        ("self[0].size() > 3", list_of(STRING, 3), 4),
        ("true ? self : 5", INT, 1),
        ("true && self > 1", INT, 2),
        ("[1, 2, 3].size()", INT, 11),
        ("has(self.a.b)", DYN, 1),
        ("cel.bind(x, self + 1, x > 2)", INT, 10 + 2 + 2),
    ],
)
def test_estimates(text: str, type: CelType, expected: int) -> None:
    assert cost(text, type) == expected


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({"type": "string"}, UNLIMITED - 2),
        ({"type": "string", "maxLength": 10}, 40),
        ({"type": "string", "enum": ["a", "abc"]}, 3),
        ({"type": "string", "format": "byte", "maxLength": 10}, 10),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 5}, 5),
        ({"type": "array", "items": {"type": "integer"}}, (UNLIMITED - 2) // 2),
        ({"type": "array", "items": {"type": "string"}}, (UNLIMITED - 2) // 3),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, (UNLIMITED - 2) // 10),
        ({"type": "string", "format": "date-time"}, 32),
        ({"x-kubernetes-int-or-string": True}, UNLIMITED - 2),
        (
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["a", "b"],
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 1}},
                },
            },
            (UNLIMITED - 2) // (2 + 6 + 1),
        ),
    ],
)
def test_sizes(schema: dict[str, Any], size: int) -> None:
    found = type_of_schema(schema)
    assert found is not None
    assert found.size == size


def _array(kind: str, **rest: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind}, **rest}


def _map(kind: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"type": kind}}


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (_array("number"), "self.all(x, true)", 4718591),
        (_array("string"), "self.all(x, true)", 3145727),
        (_array("boolean"), "self.all(x, true)", 1887437),
        (_array("number", maxItems=10), "self.all(x, true)", 32),
        (_map("number"), "self.all(x, true)", 1348169),
        (_map("string"), "self.all(x, true)", 1179647),
        (_map("boolean"), "self.all(x, true)", 943718),
        ({"type": "string"}, "self.matches('x')", 314574),
        ({"type": "string"}, "self.contains('x')", 314574),
        ({"type": "string"}, "self.startsWith('x')", 2),
    ],
)
def test_estimates_for_what_has_no_limit(schema: dict[str, Any], text: str, expected: int) -> None:
    found = type_of_schema(schema)
    assert found is not None
    assert cost(text, found) == expected
