"""Lists of a Job's indexes as people and controllers write them: `0,3-5`, in order and below the completions."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)


class IndexesError(ValueError):
    """A list that is none; `str()` is upstream's reason."""


def parse(text: str, completions: int) -> list[range]:
    """The intervals. Raises IndexesError."""
    found: list[range] = []
    for part in text.split(",") if text else ():
        interval = _interval(part, completions)
        if found and found[-1][-1] >= interval[0]:
            raise _unordered(found[-1][-1], interval[0])
        found.append(interval)
    return found


def overlap(one: list[range], other: list[range]) -> int | None:
    """The first index that is in both."""
    shared = (max(a[0], b[0]) for a in one for b in other if a[0] <= b[-1] and b[0] <= a[-1])
    return min(shared, default=None)


def _interval(part: str, completions: int) -> range:
    limits = part.split("-")
    if len(limits) > 2:
        detail = "violates the requirement that an index interval can have at most two parts separated by '-'"
        raise IndexesError(f'the fragment "{part}" {detail}')
    first, last = _index(limits[0], completions), _index(limits[-1], completions)
    if len(limits) > 1 and first >= last:
        raise _unordered(first, last)
    return range(first, last + 1)


def _index(text: str, completions: int) -> int:
    if not _NUMBER.fullmatch(text):
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise IndexesError(f'too large index: "{text}"')
    return int(text)


def _unordered(before: int, after: int) -> IndexesError:
    return IndexesError(f"non-increasing order, previous: {before}, current: {after}")
