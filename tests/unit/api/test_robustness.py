"""Whatever a client sends, it is told what is wrong with it: what decodes can be defaulted, validated and compared."""

from __future__ import annotations

import random
from typing import Any

import pytest

from knarr.api.kinds.table import KINDS
from knarr.api.types import type_of
from knarr.api.types.shapes import ListOf, MapOf, Scalar, Shape, Struct, shape_of
from knarr.machinery.trees import copied

TEXTS = (
    "",
    "x",
    "-",
    "a/b",
    "0",
    "25%",
    "TCP",
    "None",
    "10.0.0.1",
    "..",
    "Always",
    "RollingUpdate",
    "*/5 * * * *",
    "é" * 300,
)
NUMBERS = (0, 1, -1, 80, 65536, 2**31 - 1, -(2**31))
QUANTITIES = ("0", "-1", "1Gi", "100m", "1e3")
TIMES = ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000006Z")


def scalar(form: str, source: random.Random) -> Any:
    values: dict[str, tuple[Any, ...]] = {
        "bool": (True, False),
        "int32": NUMBERS,
        "int64": NUMBERS,
        "float64": (0.5, -1.0),
        "bytes": ("", "YQ=="),
        "time": TIMES[:1],
        "micro": TIMES[1:],
        "quantity": QUANTITIES,
        "int-or-string": (*NUMBERS, *TEXTS),
    }
    return source.choice(values.get(form, TEXTS))


def anything(shape: Shape, source: random.Random, depth: int = 0) -> Any:
    """A value of the right types and of no sense."""
    match shape:
        case Scalar(form):
            return scalar(form, source)
        case ListOf(item):
            return [anything(item, source, depth + 1) for _ in range(source.choice((0, 1, 2)) if depth < 9 else 0)]
        case MapOf(value):
            return {source.choice(TEXTS): anything(value, source, depth + 1) for _ in range(source.choice((0, 1, 2)))}
        case Struct():
            likely = 0.4 if depth < 9 else 0.0
            chosen = [name for name in shape.fields if source.random() < likely]
            return {name: anything(shape.fields[name].shape, source, depth + 1) for name in chosen}
        case _:
            return source.choice(({}, {"a": None}, [], "x"))


@pytest.mark.parametrize("definition", sorted({kind.storage_version.definition for kind in KINDS}))
@pytest.mark.parametrize("seed", range(5))
def test_nonsense_is_refused_and_not_stumbled_over(definition: str, seed: int) -> None:
    source = random.Random(f"{definition}{seed}")
    kind = type_of(definition)
    new, old = (anything(shape_of(definition), source) for _ in range(2))
    for tree in (new, old):
        assert kind.decode(tree) == []
        kind.default(tree)
        stored = copied(tree)
        assert kind.decode(tree) == []
        assert tree == stored
        kind.validate(tree)
    kind.validate_update(new, old)
