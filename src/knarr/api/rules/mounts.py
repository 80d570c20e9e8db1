"""Where containers have volumes and devices: mounts, their propagation, and block devices."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import relative_path
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

_CORE = "io.k8s.api.core.v1"


def _places(container: JSON, path: str) -> Iterable[FieldError]:
    """No place twice, be it a mount's or a device's."""
    mounts, devices = container.get("volumeMounts") or (), container.get("volumeDevices") or ()
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        where = mount.get("mountPath")
        if where and where in seen:
            yield invalid(f"{path}.volumeMounts[{index}].mountPath", where, "must be unique")
        seen.add(where)
        if mount.get("mountPropagation") == "Bidirectional" and not _is_privileged(container):
            detail = "Bidirectional mount propagation is available only to privileged containers"
            yield forbidden(f"{path}.volumeMounts[{index}].mountPropagation", detail)
    names = {mount.get("name") for mount in mounts}
    for index, device in enumerate(devices):
        yield from _device_place(device, f"{path}.volumeDevices[{index}]", seen, names)


def _is_privileged(container: JSON) -> bool:
    return bool((container.get("securityContext") or {}).get("privileged"))


def _device_place(device: JSON, path: str, places: set[str], mounted: set[str]) -> Iterable[FieldError]:
    where, name = device.get("devicePath") or "", device.get("name") or ""
    if where in places:
        yield invalid(f"{path}.devicePath", where, "must not already exist as a path in volumeMounts")
    if name in mounted:
        yield invalid(f"{path}.name", name, "must not already exist in volumeMounts")
    if ".." in where.split("/"):
        yield invalid(f"{path}.devicePath", where, "can not contain backsteps ('..')")
    places.add(where)


def _mount(mount: JSON, path: str) -> Iterable[FieldError]:
    for key in ("subPath", "subPathExpr"):
        if inner := mount.get(key):
            yield from relative_path(f"{path}.{key}", inner)
    if mount.get("subPath") and mount.get("subPathExpr"):
        yield invalid(f"{path}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")


def _recursive(mount: JSON, path: str) -> Iterable[FieldError]:
    """A mount that is read-only with all that is mounted below it (KEP-3857)."""
    where = f"{path}.recursiveReadOnly"
    if mount["recursiveReadOnly"] in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            yield forbidden(where, "may only be specified when readOnly is true")
        if mount.get("mountPropagation", "None") != "None":
            yield forbidden(where, "may only be specified when mountPropagation is None or not specified")


RULES = (
    Rules(f"{_CORE}.Container", validate=_places, when=frozenset({"volumeDevices", "volumeMounts"})),
    Rules(f"{_CORE}.EphemeralContainer", validate=_places, when=frozenset({"volumeDevices", "volumeMounts"})),
    Rules(
        f"{_CORE}.VolumeMount",
        required=("name", "mountPath"),
        enums={
            "mountPropagation": ("Bidirectional", "HostToContainer", "None"),
            "recursiveReadOnly": ("Disabled", "Enabled", "IfPossible"),
        },
        validate=_mount,
        when=frozenset({"subPath", "subPathExpr"}),
    ),
    Rules(f"{_CORE}.VolumeMount", validate=_recursive, when=frozenset({"recursiveReadOnly"})),
    Rules(f"{_CORE}.VolumeDevice", required=("name", "devicePath")),
)
