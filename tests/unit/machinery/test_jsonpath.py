from __future__ import annotations

from typing import Any

import pytest

from knarr.machinery.jsonpath import JSONPathError, compiled

TREE = {
    "spec": {"replicas": 3, "a.b": "dotted"},
    "list": [{"name": "a", "n": 1}, {"name": "b", "n": 2, "more": {"name": "c"}}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        ("$.spec.replicas", [3]),
        (".spec.nothing", []),
        (r".spec.a\.b", ["dotted"]),
        (".spec['a.b']", ["dotted"]),
        (r".spec['a\.b']", ["dotted"]),
        (".list[0].name", ["a"]),
        (".list[-1].name", ["b"]),
        (".list[5].name", []),
        (".list[0:1].name", ["a"]),
        (".list[*].name", ["a", "b"]),
        (".list.*.name", ["a", "b"]),
        (".list[0,1].n", [1, 2]),
        ('.list[?(@.name=="b")].n', [2]),
        (".list[?(@.n > 1)].name", ["b"]),
        (".list[?(@.more)].name", ["b"]),
        ("..name", ["a", "b", "c"]),
        (".", [TREE]),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert compiled(path)(TREE) == found


@pytest.mark.parametrize("path", [".list[x]", "list"])
def test_what_is_none(path: str) -> None:
    with pytest.raises(JSONPathError):
        compiled(path)
