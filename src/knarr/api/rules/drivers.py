"""Storage drivers: what they can do, on which nodes they are, and what is attached where."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import distinct, unchanged
from knarr.api.devices import driver_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, invalid

_STORAGE = "io.k8s.api.storage.v1"
_SHORTEST_TOKEN = 600  # seconds
_FIXED = ("attachRequired", "volumeLifecycleModes")


def _name(driver: JSON, path: str) -> Iterable[FieldError]:
    name = dig(driver, "metadata.name", "")
    return (invalid("metadata.name", name, message) for message in driver_name(name))


def _spec(spec: JSON, path: str) -> Iterable[FieldError]:
    requests = each(spec, "tokenRequests")
    yield from distinct(f"{path}.tokenRequests", requests, lambda request: request.get("audience", ""))
    for index, request in enumerate(requests):
        seconds = request.get("expirationSeconds", _SHORTEST_TOKEN)
        if seconds < _SHORTEST_TOKEN:
            where = f"{path}.tokenRequests[{index}].expirationSeconds"
            yield invalid(where, seconds, "may not specify a duration less than 10 minutes")


def _spec_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    for field in _FIXED:
        yield from unchanged(f"{path}.{field}", new.get(field), old.get(field))


def _drivers(spec: JSON, path: str) -> Iterable[FieldError]:
    for index, driver in enumerate(each(spec, "drivers")):
        yield from distinct(f"{path}.drivers[{index}].topologyKeys", each(driver, "topologyKeys"))


def _drivers_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """A driver comes and goes as it is; only how many volumes it takes may change."""
    known = {driver.get("name"): driver for driver in each(old, "drivers")}
    for index, driver in enumerate(each(new, "drivers")):
        before = known.get(driver.get("name"), driver)
        if any(driver.get(field) != before.get(field) for field in ("nodeID", "topologyKeys")):
            yield invalid(f"{path}.drivers[{index}]", driver, "field is immutable")


RULES = (
    Rules(f"{_STORAGE}.CSIDriver", validate=_name),
    Rules(
        f"{_STORAGE}.CSIDriverSpec",
        defaults={
            "attachRequired": True,
            "podInfoOnMount": False,
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "volumeLifecycleModes": lambda spec: ["Persistent"],
            "requiresRepublish": False,
            "seLinuxMount": False,
        },
        enums={
            "fsGroupPolicy": ("File", "None", "ReadWriteOnceWithFSType"),
            "volumeLifecycleModes": ("Ephemeral", "Persistent"),
        },
        bounds={"nodeAllocatableUpdatePeriodSeconds": (10, None)},
        validate=_spec,
        validate_update=_spec_update,
    ),
    Rules(f"{_STORAGE}.CSINodeSpec", validate=_drivers, validate_update=_drivers_update),
    Rules(f"{_STORAGE}.CSINodeDriver", required=("name", "nodeID"), names={"name": driver_name}),
    Rules(f"{_STORAGE}.VolumeAttachment", immutable=("spec",)),
    Rules(f"{_STORAGE}.VolumeAttachmentSpec", required=("attacher", "nodeName"), names={"attacher": driver_name}),
)
