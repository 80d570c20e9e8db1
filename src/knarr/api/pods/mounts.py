"""What containers mount must be among the Pod's volumes.

No rule of PodSpec, since a StatefulSet's Pods also mount volumes that its claims bring in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, not_found

_SORTS = ("initContainers", "containers", "ephemeralContainers")


def containers(spec: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Each container of a PodSpec, of whichever sort, with its path."""
    for sort in _SORTS:
        for index, container in enumerate(spec.get(sort) or ()):
            yield f"{path}.{sort}[{index}]", container


def validate_mounts(spec: JSON, path: str, besides: Collection[str] = ()) -> Iterable[FieldError]:
    """Each mount and device names a volume of the spec, or one of those `besides`."""
    volumes = {volume.get("name") for volume in each(spec, "volumes")} | set(besides)
    for where, container in containers(spec, path):
        for field in ("volumeMounts", "volumeDevices"):
            for index, mount in enumerate(container.get(field) or ()):
                if mount.get("name") and mount["name"] not in volumes:
                    yield not_found(f"{where}.{field}[{index}].name", mount["name"])
