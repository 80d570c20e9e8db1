"""What a check is, and the words in which all of them speak."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from knarr.api.kind import JSON
from knarr.api.paths import dig, each

Level = Literal["privileged", "baseline", "restricted"]

_SORTS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong, in a word, and with what."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Judge = Callable[[JSON, JSON], Violation | None]  # of a Pod's metadata and spec


@dataclass(frozen=True, slots=True)
class Check:
    """A check: how it judges from each minor version on, oldest first; `overrides` names what it makes needless."""

    name: str  # upstream's id; checks are told in its order
    level: Level
    versions: tuple[tuple[int, Judge], ...]
    overrides: tuple[str, ...] = ()

    def at(self, minor: int) -> Judge | None:
        return next((judge for since, judge in reversed(self.versions) if since <= minor), None)


def containers(spec: JSON) -> list[JSON]:
    """Of all sorts, in the order in which they start."""
    return [container for sort in _SORTS for container in each(spec, sort)]


def security(holder: JSON, path: str) -> object:
    """What the security context of a Pod or container says; None where it says nothing."""
    return dig(holder.get("securityContext"), path)


def named(what: str, names: Collection[str], plural: str = "") -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plurally(what, names, plural)} {quoted(names)}"


def plurally(what: str, things: Collection[object], plural: str = "") -> str:
    return what if len(things) == 1 else plural or f"{what}s"


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def setters(pod: bool, names: Collection[str]) -> str:
    """`pod and container "a"`: who set something."""
    return " and ".join([*(["pod"] if pod else []), *([named("container", names)] if names else [])])


def names_of(found: Iterable[JSON]) -> list[str]:
    return [container.get("name", "") for container in found]


def has_user_namespace(spec: JSON) -> bool:
    """Whether the Pod's root is nobody on the node (KEP-127): some checks need not hold then."""
    return spec.get("hostUsers") is False


def is_windows(spec: JSON) -> bool:
    return bool(dig(spec, "os.name") == "windows")
