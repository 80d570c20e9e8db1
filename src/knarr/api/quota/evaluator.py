"""What counts objects of one resource for quotas."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from knarr.api.kind import JSON
from knarr.machinery.amounts import Amounts
from knarr.machinery.quantity import Quantity

ONE = Quantity(10**9)
COUNT = "count/"


def _in_no_scope(requirement: JSON, obj: JSON) -> bool:
    return False


def _lacks_nothing(names: Collection[str], obj: JSON) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How objects of a resource use quotas.

    `usage(object, now)` is what one uses; without `now`, one that should be gone counts still. `tracks` says whether a
    quota's entry is about it. `charged` are the writes that need room: operation and subresource. `in_scope` judges one
    requirement of a quota's scopes. `lacking` says what an object must specify under a quota of these entries.
    """

    resource: str  # qualified: "deployments.apps"
    usage: Callable[[JSON, datetime | None], Amounts]
    tracks: Callable[[str], bool]
    charged: frozenset[tuple[str, str]] = frozenset({("CREATE", "")})
    in_scope: Callable[[JSON, JSON], bool] = _in_no_scope
    lacking: Callable[[Collection[str], JSON], str] = _lacks_nothing
