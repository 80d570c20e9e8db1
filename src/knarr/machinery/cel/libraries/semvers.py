"""Kubernetes' semver library. https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-semver-library"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import ClassVar

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs

_NUMBER = r"(0|[1-9]\d*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    r"(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Semver:
    """A version of https://semver.org/; what is built from it counts for nothing in comparisons."""

    cel_type: ClassVar[str] = "kubernetes.Semver"
    numbers: tuple[int, int, int]
    pre: tuple[str, ...]

    def _key(self) -> tuple[object, ...]:
        """Numbers below words, fewer words below more, and a release above what came before it."""
        words = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.pre)
        return (self.numbers, not self.pre, words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __lt__(self, other: Semver) -> bool:
        return bool(self._key() < other._key())


def _parse(text: str, normalize: bool = False) -> Semver:
    match = _SEMVER.fullmatch(_normalized(text) if normalize else text)
    if not match:
        raise CelError(f"invalid semver: {_why(text)}")
    major, minor, patch = (int(number) for number in match.groups()[:3])
    return Semver((major, minor, patch), tuple((match[4] or "").split(".")) if match[4] else ())


def _normalized(text: str) -> str:
    """Without a leading v or zeros, with a minor and patch number."""
    core, mark, rest = re.match(r"v?([^-+]*)([-+]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    numbers = [number.lstrip("0") or "0" if number.isdigit() else number for number in core.split(".")]
    return ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + mark + rest


def _why(text: str) -> str:
    if not text:
        return "Version string empty"
    if text.partition("-")[0].count(".") < 2:
        return "No Major.Minor.Patch elements found"
    return f'Invalid character(s) found in version "{text}"'


def _is_semver(text: str, normalize: bool = False) -> bool:
    return bool(_SEMVER.fullmatch(_normalized(text) if normalize else text))


_S = "kubernetes.Semver"
OVERLOADS = (
    overload(f"semver(string) -> {_S}", _parse, costs.traverse()),
    overload(f"semver(string, bool) -> {_S}", _parse, costs.traverse(times=2)),
    overload("isSemver(string) -> bool", _is_semver, costs.traverse()),
    overload("isSemver(string, bool) -> bool", _is_semver, costs.traverse(times=2)),
    overload(f"{_S}.major() -> int", lambda semver: semver.numbers[0]),
    overload(f"{_S}.minor() -> int", lambda semver: semver.numbers[1]),
    overload(f"{_S}.patch() -> int", lambda semver: semver.numbers[2]),
    overload(f"{_S}.isLessThan({_S}) -> bool", lambda one, other: one < other),
    overload(f"{_S}.isGreaterThan({_S}) -> bool", lambda one, other: one > other),
    overload(f"{_S}.compareTo({_S}) -> int", lambda one, other: (one > other) - (one < other)),
)
