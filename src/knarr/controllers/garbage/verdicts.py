"""What becomes of an object, by the state of its owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from knarr.client.objects import Meta, OwnerReference
from knarr.controllers.garbage.graph import FOREGROUND, ORPHAN


class Standing(Enum):
    """An owner, as far as it concerns its dependents."""

    SOLID = "is there"
    UNKNOWN = "of a kind that is not known: it may be there"
    WAITING = "goes when its dependents have gone"
    ABSENT = "is gone"


@dataclass(frozen=True, slots=True)
class Keep:
    """The object stays; these references of its go."""

    drop: tuple[OwnerReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    policy: str


def verdict(meta: Meta, owners: Sequence[tuple[OwnerReference, Standing]], has_dependents: bool) -> Keep | Delete:
    """One good owner keeps an object; without, it goes, in the way that it asks for or its waiting owner needs."""
    if not owners:
        return Keep()
    if any(standing in (Standing.SOLID, Standing.UNKNOWN) for _, standing in owners):
        return Keep(tuple(ref for ref, standing in owners if standing in (Standing.WAITING, Standing.ABSENT)))
    if has_dependents and any(standing is Standing.WAITING for _, standing in owners):
        return Delete("Foreground")
    if ORPHAN in meta.finalizers:
        return Delete("Orphan")
    return Delete("Foreground" if FOREGROUND in meta.finalizers else "Background")
