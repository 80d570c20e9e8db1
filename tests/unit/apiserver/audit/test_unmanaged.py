"""What is left of objects without their managedFields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knarr.apiserver.audit.unmanaged import bare_json, bare_tree

JSON = dict[str, Any]
OWNERS = {"managedFields": [{"manager": "me", "fieldsV1": {"f:data": {}}}]}


def tree(managed: bool, **rest: Any) -> JSON:
    return {"kind": "A", "apiVersion": "v1", "metadata": {"name": "a", **(OWNERS if managed else {})}, **rest}


def collection(managed: bool) -> JSON:
    items = [{"metadata": tree(managed)["metadata"], "data": {"a": "b"}}, {"metadata": {"name": "b"}}, {"data": {}}]
    return {"kind": "AList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items * 200}


def table(managed: bool) -> JSON:
    rows = [{"cells": ["a", 1], "object": tree(managed)}, {"cells": ["b", 2], "object": None}]
    columns = [{"name": "Name", "type": "string"}]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}}
    return {**head, "columnDefinitions": columns, "rows": rows}


@pytest.mark.parametrize(
    ("managed", "bare"),
    [
        pytest.param(tree(True), tree(False), id="an object"),
        pytest.param(tree(False), tree(False), id="an object without"),
        pytest.param(tree(True, data=OWNERS), tree(False, data=OWNERS), id="what looks like it is data"),
        pytest.param(tree(True, items=[1], spec={}), tree(False, items=[1], spec={}), id="an object with items"),
        pytest.param(collection(True), collection(False), id="a list"),
        pytest.param(table(True), table(False), id="a Table"),
        pytest.param({"kind": "Status", "apiVersion": "v1"}, {"kind": "Status", "apiVersion": "v1"}, id="no metadata"),
    ],
)
async def test_bare(managed: JSON, bare: JSON) -> None:
    assert bare_tree(managed) == bare
    assert json.loads(await bare_json(json.dumps(managed).encode())) == bare
