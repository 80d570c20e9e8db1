"""Every kind, in every version, through JSON, YAML and protobuf: nothing is lost and nothing comes to it.

Objects are made from the shapes of their definitions, with values that no form could take for nothing.
"""

from __future__ import annotations

import random
from importlib.resources import files
from typing import Any

import pytest

from knarr.api import protobuf
from knarr.api.kind import Kind, Version
from knarr.api.kinds.table import KINDS
from knarr.api.schema.numbers import message_of, values_of
from knarr.api.types import type_of
from knarr.api.types.shapes import ListOf, MapOf, ObjectOr, Scalar, Shape, Struct, shape_of
from knarr.machinery import yamls
from knarr.machinery.trees import copied

JSON = dict[str, Any]
VERSIONS = [
    pytest.param(kind, version, id=f"{kind.plural}.{version.definition}") for kind in KINDS for version in kind.versions
]
DEPTH = 9  # of structs within structs: deep enough for a probe's handler in a CronJob
EXAMPLES, FIELDS = 25, 4  # of a kind; of a struct, besides what it must have
TEXTS = ("a", "b c", "é", "true", "1", "0x1f", "- x", "null", "a: b", "2026-01-01", " x", "~", "\n")
FORMS: dict[str, tuple[Any, ...]] = {
    "string": TEXTS,
    "bool": (True,),
    "int32": (1, -1, 2**31 - 1, -(2**31)),
    "int64": (1, -1, 2**63 - 1, -(2**63)),
    "float64": (1.5, -0.25),
    "bytes": ("YQ==", "/+8="),
    "time": ("2026-01-02T03:04:05Z",),
    "micro": ("2026-01-02T03:04:05.000006Z",),
    "quantity": ("1Gi", "100m", "5", "-1"),
    "int-or-string": (80, "http", "25%"),
}


def specimen(shape: Shape, chance: random.Random, depth: int = DEPTH) -> Any:
    """A value of a shape."""
    match shape:
        case Scalar(form):
            return chance.choice(FORMS[form])
        case ListOf(item):
            return [specimen(item, chance, depth) for _ in range(chance.randint(1, 2))]
        case MapOf(value):
            return {key: specimen(value, chance, depth) for key in chance.sample(("a", "b/c", "d.e"), 2)}
        case Struct():
            return {name: specimen(inner, chance, depth - 1) for name, inner in _chosen(shape, chance, depth)}
        case ObjectOr():
            return {"description": "a"}
        case _:
            return {"any": ["thing", 1]}


def _chosen(shape: Struct, chance: random.Random, depth: int) -> list[tuple[str, Shape]]:
    fields = {name: field.shape for name, field in shape.fields.items() if depth or isinstance(field.shape, Scalar)}
    names = [name for name in fields if not (shape.is_kind and name in ("apiVersion", "kind"))]
    few = chance.sample(names, min(FIELDS, len(names)))
    return [(name, fields[name]) for name in names if name in few or name in shape.required]


def pruned(tree: Any, shape: Shape) -> Any:
    """A tree without the empty structs that are no pointers: to protobuf they are the same as none."""
    match shape:
        case Struct():
            values = values_of(message_of(shape.name))
            inner = {
                name: pruned(item, shape.fields[name].shape) for name, item in tree.items() if name in shape.fields
            }
            said = {name: item for name, item in inner.items() if item != {} or name not in values}
            return {name: item for name, item in tree.items() if name not in shape.fields} | said
        case ListOf(item):
            return [pruned(each, item) for each in tree]
        case MapOf(value):
            return {key: pruned(each, value) for key, each in tree.items()}
    return tree


def identified(tree: JSON, kind: Kind, version: Version) -> JSON:
    group_version = f"{kind.group}/{version.name}" if kind.group else version.name
    return {"apiVersion": group_version, "kind": kind.kind, **tree}


@pytest.mark.parametrize(("kind", "version"), VERSIONS)
def test_round_trip(kind: Kind, version: Version) -> None:
    shape, decode = shape_of(version.definition), type_of(version.definition).decode
    chance = random.Random(version.definition)
    for _ in range(EXAMPLES):
        whole = identified(specimen(shape, chance), kind, version)
        assert decode(whole) == []
        again = protobuf.decode(protobuf.encode(whole))
        decode(again)
        assert pruned(again, shape) == pruned(whole, shape)
        assert yamls.load(yamls.dump(copied(whole))) == whole


def test_no_two_fields_of_a_message_have_a_number() -> None:
    """A field of the source that is commented out is no field."""
    lines = (files("knarr.api.schema") / "fields.txt").read_text().splitlines()
    messages = {line.split(" ")[1]: line.split(" ")[2:] for line in lines if not line.startswith("#")}
    numbers = {name: [field.partition(":")[0] for field in fields] for name, fields in messages.items()}
    assert [name for name, found in numbers.items() if len(set(found)) < len(found)] == []
