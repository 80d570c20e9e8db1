"""Compute resources: what a container asks for and may use at most.

Source: docs, "Resource Management for Pods and Containers".
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required
from knarr.machinery.names import qualified_name
from knarr.machinery.quantity import QuantityError, parse

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage", "storage"})
_HUGE = "hugepages-"


def check_amounts(resources: JSON, path: str) -> Iterable[FieldError]:
    """What is wrong with requests and limits."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            yield from _amount(f"{path}.{side}[{name}]", name, amount)
    for name in requests:
        yield from _within_limit(f"{path}.requests", name, requests, limits)
    asked = {*limits, *requests}
    if any(name.startswith(_HUGE) for name in asked) and not asked & {"cpu", "memory"}:
        yield forbidden(path, "HugePages require cpu or memory")


def _amount(path: str, name: str, amount: str) -> Iterable[FieldError]:
    bad_name = list(named(path, name, qualified_name))
    if not bad_name and "/" not in name and name not in _STANDARD and not name.startswith(_HUGE):
        bad_name = [invalid(path, name, "must be a standard resource for containers")]
    yield from bad_name
    try:
        quantity = parse(amount)
    except QuantityError:
        return
    if quantity < parse(0):
        yield invalid(path, amount, "must be greater than or equal to 0")
    if not bad_name and not _divisible(name) and quantity.milli % 1000:
        yield invalid(path, amount, "must be an integer")


def _divisible(name: str) -> bool:
    return name in _STANDARD or name.startswith(_HUGE)


def _within_limit(path: str, name: str, requests: JSON, limits: JSON) -> Iterable[FieldError]:
    """Standard resources may be overcommitted, all others are asked for exactly as limited."""
    asked, limit = requests[name], limits.get(name)
    overcommitted = name in _STANDARD
    if limit is None:
        if not overcommitted:
            yield required(path, "Limit must be set for non overcommitable resources")
    elif overcommitted and parse(asked) > parse(limit):
        yield invalid(path, asked, f"must be less than or equal to {name} limit of {limit}")
    elif not overcommitted and parse(asked) != parse(limit):
        yield invalid(path, asked, f"must be equal to {name} limit of {limit}")
