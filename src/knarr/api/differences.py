"""How two trees differ, for messages that refuse a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from knarr.api.kind import JSON


def difference(before: JSON, after: JSON, path: str) -> str:
    """A line for each value that was, and for each that would be."""
    was, would_be = dict(_leaves(before, path)), dict(_leaves(after, path))
    lines = []
    for place in sorted(was.keys() | would_be.keys()):
        if was.get(place) != would_be.get(place):
            lines += [f"{sign} {place}: {side[place]}" for sign, side in (("-", was), ("+", would_be)) if place in side]
    return "\n".join(lines)


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    match tree:
        case dict() if tree:
            for key, value in tree.items():
                yield from _leaves(value, f"{path}.{key}")
        case list() if tree:
            for index, value in enumerate(tree):
                yield from _leaves(value, f"{path}[{index}]")
        case _:
            yield path, msgspec.json.encode(tree).decode()
