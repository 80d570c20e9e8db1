"""Keys given twice."""

from __future__ import annotations

import pytest

from knarr.api.types import duplicate_fields


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (b'{"a": 1, "b": "c:d", "e" : {"f": [":"]}}', []),
        (b'{"a": 1, "a": 1}', ["a"]),
        (b'{"a": 1, "a": 2, "a": 3}', ["a"]),
        (
            b'{"spec": {"replicas": 1, "replicas": 2}, "l": [{}, {"x": {"y": 1, "y": 2}}]}',
            ["spec.replicas", "l[1].x.y"],
        ),
        (b'{"a": 1, "a": "\\u003a"}', ["a"]),
        (b'{"a": "\\u003A", "b": 1}', []),
        (b"[]", []),
    ],
    ids=str,
)
def test_duplicate_fields(body: bytes, places: list[str]) -> None:
    assert duplicate_fields(body) == places
