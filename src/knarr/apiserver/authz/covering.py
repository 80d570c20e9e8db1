"""Whether rules allow all that other rules do: what escalation checks and the reconciliation of default roles ask.

A rule is broken into the smallest that say the same; each of these must be covered by one of the holder's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from knarr.api.kind import JSON
from knarr.api.paths import each

_PARTS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
_SHOWN = {  # as messages call the parts, in their order
    "APIGroups": "apiGroups",
    "Resources": "resources",
    "NonResourceURLs": "nonResourceURLs",
    "ResourceNames": "resourceNames",
    "Verbs": "verbs",
}


def uncovered(held: Sequence[JSON], wanted: Iterable[JSON]) -> list[JSON]:
    """What of the wanted rules the held ones do not allow, in the smallest rules, those alike but for verbs united."""
    smallest = (small for rule in wanted for small in _broken_up(rule))
    return _united(small for small in smallest if not any(_covers(rule, small) for rule in held))


def described(rule: JSON) -> str:
    """A rule as messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`."""
    shown = (f"{name}:{quoted(found)}" for name, part in _SHOWN.items() if (found := each(rule, part)))
    return "{" + ", ".join(shown) + "}"


def quoted(words: Iterable[str]) -> str:
    """A list as Go's %q prints it."""
    return "[" + " ".join(f'"{word}"' for word in words) + "]"


def _broken_up(rule: JSON) -> Iterator[JSON]:
    for group in each(rule, "apiGroups"):
        for resource in each(rule, "resources"):
            for verb in each(rule, "verbs"):
                small: JSON = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = each(rule, "resourceNames")
                yield from ({**small, "resourceNames": [name]} for name in names) if names else (small,)
    for path in each(rule, "nonResourceURLs"):
        yield from ({"verbs": [verb], "nonResourceURLs": [path]} for verb in each(rule, "verbs"))


def _covers(rule: JSON, small: JSON) -> bool:
    verbs, groups, resources, names, paths = (each(rule, part) for part in _PARTS)
    if "*" not in verbs and small["verbs"][0] not in verbs:
        return False
    if "nonResourceURLs" in small:
        return any(_path_covers(path, small["nonResourceURLs"][0]) for path in paths)
    wanted = each(small, "resourceNames")
    return (
        ("*" in groups or small["apiGroups"][0] in groups)
        and _resource_covers(resources, small["resources"][0])
        and (not names or (bool(wanted) and wanted[0] in names))
    )


def _resource_covers(resources: Sequence[str], wanted: str) -> bool:
    _, slash, subresource = wanted.partition("/")
    return "*" in resources or wanted in resources or (bool(slash) and f"*/{subresource}" in resources)


def _path_covers(path: str, wanted: str) -> bool:
    return path == wanted or (path.endswith("*") and wanted.rstrip("*").startswith(path.rstrip("*")))


def _united(rules: Iterable[JSON]) -> list[JSON]:
    """Rules on resources that differ in their verbs alone become one."""
    found: list[JSON] = []
    known: dict[tuple[object, ...], JSON] = {}
    for rule in rules:
        key = (*each(rule, "apiGroups"), *each(rule, "resources"), *each(rule, "resourceNames"))
        same = known.get(key) if key else None
        if same is None:
            found.append(rule)
            known[key] = rule
        elif rule["verbs"][0] not in same["verbs"]:
            same["verbs"].append(rule["verbs"][0])
    return found
