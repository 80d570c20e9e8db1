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


BINDING_COLUMNS = (
    Column("Role", _role),
    AGE,
    Column("Users", _subjects("User"), priority=1),
    Column("Groups", _subjects("Group"), priority=1),
    Column("ServiceAccounts", _subjects("ServiceAccount"), priority=1),
)
