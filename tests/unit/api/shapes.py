"""Small definitions for the tests of the compilers, with rules of their own."""

from __future__ import annotations

import pytest

from knarr.api.kind import Rules
from knarr.api.rules import table
from knarr.api.types import Type, attached
from knarr.api.types.shapes import Field, Scalar, Shape, Struct

TEXT, INTEGER = Scalar("string"), Scalar("int32")
QUANTITY = Scalar("quantity")


def struct(name: str, /, *required: str, **fields: Shape) -> Struct:
    """A definition `test.v1.<name>` with the given fields."""
    made = Struct(f"test.v1.{name}", {"required": required})
    made.fields = {field: Field(shape) for field, shape in fields.items()}
    return made


def typed(shape: Struct) -> Type:
    return Type(shape.name, shape)


def rules(name: str, /, **given: object) -> Rules:
    return Rules(f"test.v1.{name}", **given)  # type: ignore[arg-type]


def use(monkeypatch: pytest.MonkeyPatch, *given: Rules) -> None:
    """Let these be all rules there are, for one test."""
    monkeypatch.setattr(table, "RULES", given)
    monkeypatch.setattr(attached, "_by_definition", attached._by_definition.__wrapped__)
