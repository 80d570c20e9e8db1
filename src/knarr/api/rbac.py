"""How the bindings of roles show themselves in tables."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, Cell
from knarr.api.kind import JSON, Column
from knarr.api.paths import dig, each


def _role(binding: JSON, now: datetime) -> str:
    return f"{dig(binding, 'roleRef.kind', '')}/{dig(binding, 'roleRef.name', '')}"


def _subjects(kind: str) -> Cell:
    def cell(binding: JSON, now: datetime) -> str:
        return ", ".join(_subject(subject) for subject in each(binding, "subjects") if subject.get("kind") == kind)

    return cell


def _subject(subject: JSON) -> str:
    name = str(subject.get("name", ""))
    return f"{subject.get('namespace', '')}/{name}" if subject.get("kind") == "ServiceAccount" else name


def binding_columns(noun: str) -> tuple[Column, ...]:
    """The columns of a binding after its name."""
    sorts = (("Users", "User"), ("Groups", "Group"), ("ServiceAccounts", "ServiceAccount"))
    subjects = (
        Column(heading, _subjects(kind), priority=1, description=f"{heading} in the {noun}") for heading, kind in sorts
    )
    return (Column("Role", _role, shows="roleRef"), AGE, *subjects)
