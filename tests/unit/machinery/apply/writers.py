"""One object and who writes to it, without a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from knarr.machinery.apply import applying, managers, tracking
from knarr.machinery.apply.sets import FieldSet, paths
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.apply.tracking import Author
from tests.unit.machinery.apply.strategies import SHAPE

JSON = dict[str, Any]


class OneVersion:
    """The versions of a resource that has had only one; entries of another name one that is gone."""

    def shape(self, version: str) -> Shape | None:
        return SHAPE if version == "v1" else None

    def convert(self, tree: JSON, source: str, target: str) -> JSON:
        return tree


@dataclass
class Written:
    tree: JSON = field(default_factory=dict)
    managers: managers.Managers = field(default_factory=dict)
    time: int = 0

    def update(self, manager: str, tree: JSON) -> None:
        self.managers = tracking.update(self.managers, OneVersion(), self.tree, tree, self._author(manager))
        self.tree = tree

    def apply(self, manager: str, config: JSON, *, force: bool = True) -> None:
        author = self._author(manager)
        self.tree, self.managers = applying.apply(self.managers, OneVersion(), self.tree, config, author, force=force)

    def owned(self) -> dict[str, list[str]]:
        """The paths that each manager owns."""
        return {who.manager: list(paths(managers.fields_of(entry))) for who, entry in self.managers.items()}

    def fields(self) -> list[FieldSet]:
        return [managers.fields_of(entry) for entry in self.managers.values()]

    def _author(self, manager: str) -> Author:
        self.time += 1
        return Author(manager, "v1", "", f"2026-01-01T00:00:{self.time:02}Z")
