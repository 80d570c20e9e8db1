"""Storage drivers: what they can do, on which nodes they are, and what is attached where."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import distinct, named, unchanged
from knarr.api.devices import driver_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required
from knarr.machinery.names import path_segment, qualified_name

_STORAGE = "io.k8s.api.storage.v1"
_NODE_LENGTH = 256
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


def _node_driver(driver: JSON, path: str) -> Iterable[FieldError]:
    if len(driver.get("nodeID") or "") > _NODE_LENGTH:
        yield invalid(f"{path}.nodeID", driver["nodeID"], f"must be {_NODE_LENGTH} characters or less")
    for key in each(driver, "topologyKeys"):
        yield from named(f"{path}.topologyKeys", key, qualified_name)


def _attached(source: JSON, path: str) -> Iterable[FieldError]:
    """A volume, or what one would be made of."""
    detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    given = [name for name in ("inlineVolumeSpec", "persistentVolumeName") if source.get(name) is not None]
    if not given:
        yield required(path, detail)
    elif len(given) > 1:
        yield forbidden(path, detail)
    elif name := source.get("persistentVolumeName"):
        yield from named(f"{path}.persistentVolumeName", name, path_segment)
    elif "persistentVolumeName" in given:
        yield required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")


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
    Rules(f"{_STORAGE}.TokenRequest", undemanded=("audience",)),  # none is the API server's
    Rules(f"{_STORAGE}.CSINodeSpec", validate=_drivers, validate_update=_drivers_update),
    Rules(f"{_STORAGE}.CSINodeDriver", required=("name", "nodeID"), names={"name": driver_name}),
    Rules(f"{_STORAGE}.CSINodeDriver", validate=_node_driver),
    Rules(f"{_STORAGE}.VolumeNodeResources", bounds={"count": (0, None)}),
    Rules(f"{_STORAGE}.VolumeAttachment", immutable=("spec",)),
    Rules(f"{_STORAGE}.VolumeAttachmentSource", validate=_attached),
    Rules(f"{_STORAGE}.VolumeAttachmentSpec", required=("attacher", "nodeName"), names={"attacher": driver_name}),
)
