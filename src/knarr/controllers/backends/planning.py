"""Packing endpoints into slices with as few writes as can be.

An endpoint stays in the slice where it is. New ones go first into slices that change anyway, then into the one that
they fill best, then into new ones; a slice that lost all is deleted, or takes the contents of one that would be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from knarr.controllers.backends.slices import Endpoint, EndpointSlice, Port

CAPACITY = 100  # endpoints in a slice


@dataclass(frozen=True, slots=True)
class Group:
    """What all endpoints of a slice have in common; the first never changes in a slice's life."""

    address_type: str
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    group: Group
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(slots=True)
class Plan:
    create: list[Content] = field(default_factory=list)
    update: list[tuple[EndpointSlice, Content]] = field(default_factory=list)
    delete: list[EndpointSlice] = field(default_factory=list)
    keep: list[EndpointSlice] = field(default_factory=list)


def group_of(found: EndpointSlice) -> Group:
    return Group(found.address_type, found.ports)


def plan(
    existing: Sequence[EndpointSlice], desired: Mapping[Group, Iterable[Endpoint]], placeholders: Iterable[str] = ()
) -> Plan:
    """How to get from the slices that exist to those that hold what is desired.

    For each address type in `placeholders` one empty slice stands where there is nothing to hold.
    """
    result = Plan(delete=[s for s in existing if group_of(s) not in desired])
    for group, endpoints in desired.items():
        _pack(result, group, [s for s in existing if group_of(s) == group], endpoints)
    for address_type in placeholders:
        _hold_place(result, Group(address_type))
    _reuse(result)
    return result


def _pack(result: Plan, group: Group, slices: Sequence[EndpointSlice], endpoints: Iterable[Endpoint]) -> None:
    rest = {endpoint.identity: endpoint for endpoint in endpoints}
    kept = [[rest.pop(e.identity) for e in s.endpoints if e.identity in rest] for s in slices]
    waiting = list(rest.values())
    changing = [k for s, k in zip(slices, kept, strict=True) if k and (*k,) != s.endpoints]
    for contents in changing:
        _pour(waiting, contents)
    fitting = [k for k in kept if k and len(k) + len(waiting) <= CAPACITY]
    if waiting and fitting:
        _pour(waiting, max(fitting, key=len))
    for found, contents in zip(slices, kept, strict=True):
        _place(result, found, Content(group, tuple(contents)))
    starts = range(0, len(waiting), CAPACITY)
    result.create += [Content(group, tuple(waiting[start : start + CAPACITY])) for start in starts]


def _pour(waiting: list[Endpoint], contents: list[Endpoint]) -> None:
    room = max(0, CAPACITY - len(contents))
    contents += waiting[:room]
    del waiting[:room]


def _place(result: Plan, found: EndpointSlice, content: Content) -> None:
    if not content.endpoints:
        result.delete.append(found)
    elif content.endpoints == found.endpoints:
        result.keep.append(found)
    else:
        result.update.append((found, content))


def _hold_place(result: Plan, empty: Group) -> None:
    held = [
        *(group_of(s) for s in result.keep),
        *(c.group for _, c in result.update),
        *(c.group for c in result.create),
    ]
    if any(group.address_type == empty.address_type for group in held):
        return
    known = next((s for s in result.delete if group_of(s) == empty and not s.endpoints), None)
    if known is None:
        result.create.append(Content(empty))
    else:
        result.delete.remove(known)
        result.keep.append(known)


def _reuse(result: Plan) -> None:
    """Rewriting a slice that is not needed is one write where deleting it and making another would be two."""
    for content in tuple(result.create):
        found = next((s for s in result.delete if s.address_type == content.group.address_type), None)
        if found is not None:
            result.create.remove(content)
            result.delete.remove(found)
            result.update.append((found, content))
