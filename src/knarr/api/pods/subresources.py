"""What may be written through a Pod's own subresources: containers for debugging are added, containers resized."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.mirrors import is_mirror
from knarr.api.pods.mounts import containers
from knarr.api.pods.qos import qos_class
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_found

_RESIZABLE = frozenset({"cpu", "memory"})


def validate_ephemeral(new: JSON, old: JSON) -> Iterable[FieldError]:
    """What debugs stays, as it was (KEP-277)."""
    path, after = "spec.ephemeralContainers", each(new, "spec.ephemeralContainers")
    if is_mirror(old):
        yield forbidden("", "static pods do not support ephemeral containers")
    known = {container.get("name"): container for container in after}
    for container in each(old, "spec.ephemeralContainers"):
        name = container.get("name", "")
        if name not in known:
            yield forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n')
        elif known[name] != container:
            yield forbidden(path, f'existing ephemeral containers "{name}" may not be changed\n')
    names = {container.get("name") for where, container in containers(new["spec"], "") if "ephemeral" not in where}
    for index, container in enumerate(after):
        target = container.get("targetContainerName")
        if target and target not in names:
            yield not_found(f"{path}[{index}].targetContainerName", target)


def validate_resize(new: JSON, old: JSON) -> Iterable[FieldError]:
    """Processor and memory of a running Pod may change, what class it is of may not (KEP-1287)."""
    if dig(old, "spec.os.name") == "windows":
        yield forbidden("", "windows pods cannot be resized")
    if is_mirror(old):
        yield forbidden("", "static pods cannot be resized")
    if others := [*_reordered(new, old)]:
        yield from others
        return
    if qos_class(new["spec"]) != qos_class(old["spec"]):
        yield invalid("spec", qos_class(new["spec"]), "Pod QOS Class may not change as a result of resizing")
    yield from _resized(new["spec"], old["spec"], "spec.resources")
    for sort in ("containers", "initContainers"):
        pairs = zip(each(new, f"spec.{sort}"), each(old, f"spec.{sort}"), strict=True)
        for index, (after, before) in enumerate(pairs):
            path = f"spec.{sort}[{index}].resources"
            if sort == "containers" or before.get("restartPolicy") == "Always":
                yield from _resized(after, before, path)
            elif after.get("resources") != before.get("resources"):
                yield forbidden(path, "resources for non-sidecar init containers are immutable")


def _reordered(new: JSON, old: JSON) -> Iterable[FieldError]:
    """The containers are those that there are, in their order."""
    for sort in ("containers", "initContainers"):
        after, before = each(new, f"spec.{sort}"), each(old, f"spec.{sort}")
        if len(after) != len(before):
            yield forbidden(f"spec.{sort}", f"{sort} may not be added or removed on resize")
            continue
        for index, pair in enumerate(zip(after, before, strict=True)):
            if pair[0].get("name") != pair[1].get("name"):
                yield forbidden(f"spec.{sort}[{index}].name", f"{sort} may not be renamed or reordered on resize")


def _resized(after: JSON, before: JSON, path: str) -> Iterable[FieldError]:
    resources, known = after.get("resources") or {}, before.get("resources") or {}
    for side in ("requests", "limits"):
        new, old = resources.get(side) or {}, known.get(side) or {}
        if (old.keys() - new.keys()) & _RESIZABLE:
            yield forbidden(f"{path}.{side}", f"resource {side} cannot be removed")
        if any(new.get(name) != old.get(name) for name in (new.keys() | old.keys()) - _RESIZABLE):
            yield forbidden("spec", "only cpu and memory resources are mutable")
