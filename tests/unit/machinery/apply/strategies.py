"""Shapes, values and sets of fields for laws that hold for all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from knarr.machinery.apply.lists import Associative, Items
from knarr.machinery.apply.sets import FieldSet, as_member
from knarr.machinery.apply.shapes import Atomic, Scalar
from knarr.machinery.apply.structs import DEDUCED, Struct

JSON = dict[str, Any]

TEXT, NUMBER = Scalar("string"), Scalar("numeric")
ITEM = Struct({"name": TEXT, "image": TEXT, "port": NUMBER})
SHAPE = Struct(
    {
        "replicas": NUMBER,
        "paused": Scalar("boolean"),
        "labels": Struct({}, others=TEXT),
        "selector": Atomic(Struct({}, others=TEXT)),
        "args": Atomic(Items(TEXT)),
        "finalizers": Associative(TEXT),
        "containers": Associative(ITEM, ("name",)),
        "ports": Associative(
            Struct({"port": NUMBER, "protocol": TEXT, "name": TEXT}), ("port", "protocol"), {"protocol": "TCP"}
        ),
        "extra": DEDUCED,
        "nested": Struct({"deep": Struct({"value": NUMBER, "other": NUMBER})}),
    }
)

_names = st.sampled_from("abc")
_texts, _numbers = st.sampled_from(["x", "y", "<&>"]), st.integers(0, 3)
_maps = st.dictionaries(_names, _texts, max_size=3)


def _objects(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


def _keyed(items: Any, *keys: str) -> Any:
    return st.lists(items, max_size=3, unique_by=lambda item: tuple(item.get(key, "TCP") for key in keys))


def _named(**fields: Any) -> Any:
    return st.builds(lambda name, rest: {"name": name, **rest}, _names, _objects(**fields))


_ports = st.builds(lambda port, rest: {"port": port, **rest}, _numbers, _objects(protocol=st.just("UDP"), name=_texts))
_anything = st.recursive(
    _texts | _numbers | st.lists(_numbers, max_size=2), lambda inner: st.dictionaries(_names, inner, max_size=2)
)

values: st.SearchStrategy[JSON] = _objects(
    replicas=_numbers,
    paused=st.booleans(),
    labels=_maps,
    selector=_maps,
    args=st.lists(_texts, max_size=2),
    finalizers=st.lists(_texts, max_size=3, unique=True),
    containers=_keyed(_named(image=_texts, port=_numbers), "name"),
    ports=_keyed(_ports, "port", "protocol"),
    extra=st.dictionaries(_names, _anything, max_size=2),
    nested=_objects(deep=_objects(value=_numbers, other=_numbers)),
)


def _node(parts: JSON, member: bool) -> FieldSet:
    ordered = dict(sorted(parts.items()))
    return as_member(ordered) if member else ordered


_elements = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"x"'])
_nodes: st.SearchStrategy[FieldSet] = st.recursive(
    st.just({}),
    lambda inner: st.builds(_node, st.dictionaries(_elements, inner, min_size=1, max_size=3), st.booleans()),
    max_leaves=8,
)
field_sets: st.SearchStrategy[FieldSet] = st.dictionaries(_elements, _nodes, max_size=3).map(
    lambda fields: dict(sorted(fields.items()))
)
