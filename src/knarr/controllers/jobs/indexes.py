"""Completion indexes: sets of small numbers, written as `1,3-5,7`."""

from __future__ import annotations

from collections.abc import Iterable


def parse(text: str) -> set[int]:
    """The numbers that the text lists; what is no number is passed over."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            found.update(range(int(first), int(last or first) + 1))
    return found


def written(numbers: Iterable[int]) -> str:
    """Ascending, with runs of three or more as ranges and of two as a pair."""
    parts: list[str] = []
    for first, last in _runs(sorted(numbers)):
        separator = "-" if last - first > 1 else ","
        parts.append(str(first) if first == last else f"{first}{separator}{last}")
    return ",".join(parts)


def _runs(ordered: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in ordered:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
