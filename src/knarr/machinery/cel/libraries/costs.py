"""How the cost of a call depends on its arguments' extents (upstream's factors)."""

from __future__ import annotations

from knarr.machinery.cel.costs import capped, scaled
from knarr.machinery.cel.functions import Extent, Measure

TRAVERSAL = 0.1  # of a character or byte
_REGEX = 0.25  # of a character of a pattern


def traverse(index: int = 0, times: int = 1) -> Measure:
    """Going over one argument's characters."""
    return lambda *extents: scaled(extents[index].size, TRAVERSAL * times)


def items(index: int = 0) -> Measure:
    """Going over a list's items, comparing each."""

    def measure(*extents: Extent) -> int:
        return capped(extents[index].size * (1 + scaled(extents[index].item, TRAVERSAL)))

    return measure


def count(index: int = 0) -> Measure:
    return lambda *extents: extents[index].size


def shorter(one: Extent, other: Extent) -> int:
    """Comparing two values stops where the shorter one ends."""
    return scaled(min(one.size, other.size), TRAVERSAL)


def both(one: Extent, other: Extent) -> int:
    return scaled(capped(one.size + other.size), TRAVERSAL)


def search(text: Extent, part: Extent) -> int:
    """Looking for a part everywhere."""
    return capped(scaled(text.size, TRAVERSAL) * scaled(part.size, TRAVERSAL))


def match(text: Extent, pattern: Extent, *_: Extent) -> int:
    """Matching a pattern; an empty text still costs."""
    return capped(scaled(capped(text.size + 1), TRAVERSAL) * scaled(pattern.size, _REGEX))


def product(one: Extent, other: Extent) -> int:
    return capped(one.size * other.size)


def total(one: Extent, other: Extent) -> int:
    """The size of two values put together."""
    return capped(one.size + other.size)


def size(index: int = 0, factor: int = 1) -> Measure:
    """The size of a result that is one argument's, or a multiple of it."""
    return lambda *extents: capped(extents[index].size * factor)


def quoted(text: Extent) -> int:
    return capped(text.size * 2 + 2)


def replaced(text: Extent, old: Extent, new: Extent, *_: Extent) -> int:
    """The longest result: as many of the shortest parts as fit, each replaced."""
    return capped((text.size + 1) * new.size + text.size) if new.size > 1 else capped(text.size * 2 + 1)


def joined_size(parts: Extent, separator: Extent = Extent(0)) -> int:  # noqa: B008 - an immutable value
    return capped(parts.size * parts.item + max(parts.size - 1, 0) * separator.size)


def joined(parts: Extent, separator: Extent = Extent(0)) -> int:  # noqa: B008 - an immutable value
    return scaled(joined_size(parts, separator), TRAVERSAL)
