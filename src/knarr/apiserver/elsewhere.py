"""What other servers serve, as this one's documents list it: the seam between discovery, OpenAPI and aggregation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from knarr.api.kind import JSON


@dataclass(frozen=True, slots=True)
class ElsewhereVersion:
    """A version of a group: its entry of aggregated discovery, and what OpenAPI has of it.

    `openapi_three` is the URL of its document there ("" for none); `openapi_two` holds its paths and definitions.
    """

    group: str
    version: str
    group_priority: int
    version_priority: int
    discovery: JSON
    openapi_three: str = ""
    openapi_two: Mapping[str, JSON] = field(default_factory=dict)


class Elsewhere(Protocol):
    """Versions of groups that other servers serve."""

    def state(self) -> Any:
        """Equal as long as nothing has changed."""

    def versions(self) -> Sequence[ElsewhereVersion]: ...


class Nowhere:
    """Nobody else serves anything."""

    def state(self) -> None:
        return None

    def versions(self) -> Sequence[ElsewhereVersion]:
        return ()
