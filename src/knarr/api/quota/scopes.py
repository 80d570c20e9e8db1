"""Which objects a quota is about, by its scopes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each


def requirements(quota: JSON) -> Iterator[JSON]:
    """What an object must fulfil; `scopes` are requirements that the scope exists."""
    yield from ({"scopeName": scope, "operator": "Exists"} for scope in each(quota, "spec.scopes"))
    yield from each(quota, "spec.scopeSelector.matchExpressions")


def selects(requirement: JSON, names: Collection[str]) -> bool:
    """Whether a requirement on a name (of a class) holds for an object that has these."""
    values = dig(requirement, "values", ())
    match requirement.get("operator"):
        case "Exists":
            return bool(names)
        case "DoesNotExist":
            return not names
        case "In":
            return any(name in values for name in names)
        case "NotIn":
            return not names or any(name not in values for name in names)
    return False
