"""What a LimitRange says of an object: defaults for containers, and bounds that are kept or not.

https://kubernetes.io/docs/concepts/policy/limit-range/ ; the messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.demand import demand
from knarr.machinery.amounts import ZERO, Amounts, amounts_of
from knarr.machinery.quantity import Quantity

ANNOTATION = "kubernetes.io/limit-ranger"  # tells what was set by default
_SORTS = (("containers", "container"), ("initContainers", "init container"))
_SIDES = (("requests", "defaultRequest", "request"), ("limits", "default", "limit"))


def set_defaults(limits: JSON, pod: JSON) -> None:
    """Give the Pod's containers the requests and limits that they lack, and say so in an annotation."""
    defaults = {side: _defaults(limits, field) for side, field, _ in _SIDES}
    if not any(defaults.values()):
        return
    told = [
        f"{', '.join(sorted(names))} {word} for {what} {container.get('name', '')}"
        for sort, what in _SORTS
        for container in each(pod, f"spec.{sort}")
        for side, _, word in _SIDES
        if (names := _fill(container, side, defaults[side]))
    ]
    if told:
        metadata = pod["metadata"]
        note = {ANNOTATION: f"LimitRanger plugin set: {'; '.join(told)}"}
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **note}


def _defaults(limits: JSON, field: str) -> JSON:
    items = [item for item in each(limits, "spec.limits") if item.get("type") == "Container"]
    return {name: amount for item in items for name, amount in (item.get(field) or {}).items()}


def _fill(container: JSON, side: str, defaults: JSON) -> list[str]:
    """Set what is missing; returns its names."""
    known = dig(container, f"resources.{side}", {})
    missing = {name: amount for name, amount in defaults.items() if name not in known}
    if missing:
        container["resources"] = {**(container.get("resources") or {}), side: {**known, **missing}}
    return list(missing)


def pod_violations(limits: JSON, pod: JSON) -> Iterator[str]:
    """The bounds that the Pod and its containers do not keep."""
    for item in each(limits, "spec.limits"):
        if item.get("type") == "Container":
            for sort, _ in _SORTS:
                for container in each(pod, f"spec.{sort}"):
                    yield from _violations(item, *(amounts_of(dig(container, f"resources.{s}")) for s, *_ in _SIDES))
        elif item.get("type") == "Pod":
            requests, limit = (demand(pod, s, overhead=False, resizing=False) for s in ("requests", "limits"))
            yield from _violations(item, requests, limit)


def claim_violations(limits: JSON, claim: JSON) -> Iterator[str]:
    """The bounds that a PersistentVolumeClaim's request does not keep."""
    requests = amounts_of(dig(claim, "spec.resources.requests"))
    for item in each(limits, "spec.limits"):
        if item.get("type") == "PersistentVolumeClaim":
            yield from _each(item, "min", requests, {})
            for name, most in _bounds(item, "max"):
                usage, asked = f"maximum {name} usage per PersistentVolumeClaim is {most}", requests.get(name)
                if asked is None:
                    yield f"{usage}.  No request is specified"
                elif asked > most:
                    yield f"{usage}, but request is {asked}"


def _violations(item: JSON, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for bound in ("min", "max", "maxLimitRequestRatio"):
        yield from _each(item, bound, requests, limits)


def _each(item: JSON, bound: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    check = {"min": _least, "max": _most, "maxLimitRequestRatio": _ratio}[bound]
    for name, amount in _bounds(item, bound):
        if why := check(f"{name} %s per {item['type']} is {amount}", amount, requests.get(name), limits.get(name)):
            yield why


def _bounds(item: JSON, bound: str) -> Iterable[tuple[str, Quantity]]:
    return sorted(amounts_of(item.get(bound)).items())


def _least(what: str, least: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    usage = f"minimum {what % 'usage'}"
    if request is None:
        return f"{usage}.  No request is specified"
    if request < least:
        return f"{usage}, but request is {request}"
    return f"{usage}, but limit is {limit}" if limit is not None and limit < least else ""


def _most(what: str, most: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    usage = f"maximum {what % 'usage'}"
    if limit is None:
        return f"{usage}.  No limit is specified"
    if limit > most:
        return f"{usage}, but limit is {limit}"
    return f"{usage}, but request is {request}" if request is not None and request > most else ""


def _ratio(what: str, most: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    usage = what % "max limit to request ratio"
    if not request or request == ZERO:
        return f"{usage}, but no request is specified or request is 0"
    if not limit or limit == ZERO:
        return f"{usage}, but no limit is specified or limit is 0"
    if limit.nano * 10**9 > most.nano * request.nano:
        return f"{usage}, but provided ratio is {limit.nano / request.nano:f}"
    return ""
