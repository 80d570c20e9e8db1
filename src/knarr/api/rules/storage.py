"""PersistentVolumes, claims and storage classes."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import normpath

from knarr.api.devices import driver_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required, too_long
from knarr.machinery.names import dns1123_subdomain
from knarr.machinery.quantity import parse

_CORE, _STORAGE = "io.k8s.api.core.v1", "io.k8s.api.storage.v1"
_ACCESS = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_MODES, _RECLAIM = ("Block", "Filesystem"), ("Delete", "Recycle", "Retain")
_VOLUME_FIELDS = frozenset(
    {
        *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"),
        *("storageClassName", "volumeAttributesClassName", "volumeMode"),
    }
)
_PARAMETERS, _PARAMETERS_SIZE = 512, 256 * 1024
_CLAIM_CHANGES = ("resources", "volumeAttributesClassName")


def _volume(spec: JSON, path: str) -> Iterable[FieldError]:
    sources = [name for name in spec if name not in _VOLUME_FIELDS]
    if "storage" not in (spec.get("capacity") or {}):
        yield required(f"{path}.capacity")
    if not sources:
        yield required(path, "must specify a volume type")
    for name in sources[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 volume type")


def _modes(spec: JSON, path: str) -> Iterable[FieldError]:
    if "ReadWriteOncePod" in spec["accessModes"] and len(spec["accessModes"]) > 1:
        detail = "may not use ReadWriteOncePod with other access modes"
        yield forbidden(f"{path}.accessModes", detail)


def _local(spec: JSON, path: str) -> Iterable[FieldError]:
    if dig(spec, "nodeAffinity.required") is None:
        yield required(f"{path}.nodeAffinity", "Local volume requires node affinity")


def _recycled_root(spec: JSON, path: str) -> Iterable[FieldError]:
    if normpath(dig(spec, "hostPath.path", "")) == "/" and spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        detail = "may not be 'recycle' for a hostPath mount of '/'"
        yield forbidden(f"{path}.persistentVolumeReclaimPolicy", detail)


def _volume_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    sources = [{name: source for name, source in spec.items() if name not in _VOLUME_FIELDS} for spec in (new, old)]
    if sources[0] != sources[1]:
        yield forbidden(f"{path}.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")


def _claim(spec: JSON, path: str) -> Iterable[FieldError]:
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required(f"{path}.resources[storage]")
    elif parse(storage) <= parse(0):
        yield invalid(f"{path}.resources[storage]", storage, "must be greater than zero")


def _claim_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """A claim is bound once, and then may only grow."""
    fixed = [{name: value for name, value in spec.items() if name not in _CLAIM_CHANGES} for spec in (new, old)]
    if not old.get("volumeName"):
        fixed[1]["volumeName"] = new.get("volumeName")
        fixed[0].setdefault("volumeName", None)
    if old.get("storageClassName") is None and new.get("storageClassName") is not None:
        fixed[1]["storageClassName"] = new["storageClassName"]
    if fixed[0] != fixed[1]:
        detail = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        yield forbidden(path, detail)


def _parameters(attributes: JSON, path: str) -> Iterable[FieldError]:
    """What a driver is told: some 500 pairs, 256 KiB at most."""
    parameters = attributes.get("parameters") or {}
    if not parameters:
        yield required("parameters", "must contain at least one key/value pair")
    if len(parameters) > _PARAMETERS:
        yield too_long("parameters", _PARAMETERS)
    if "" in parameters:
        yield invalid("parameters", "", "field can not be empty.")
    if sum(len(key) + len(value) for key, value in parameters.items()) > _PARAMETERS_SIZE:
        yield too_long("parameters", _PARAMETERS_SIZE)


RULES = (
    Rules(
        f"{_CORE}.PersistentVolumeSpec",
        defaults={"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
        required=("accessModes",),
        enums={"accessModes": _ACCESS, "persistentVolumeReclaimPolicy": _RECLAIM, "volumeMode": _MODES},
        validate=_volume,
        validate_update=_volume_update,
        immutable=("volumeMode",),
    ),
    *(
        Rules(
            f"{_CORE}.{definition}",
            names={"storageClassName": dns1123_subdomain, "volumeAttributesClassName": dns1123_subdomain},
            validate=_modes,
            when=frozenset({"accessModes"}),
        )
        for definition in ("PersistentVolumeSpec", "PersistentVolumeClaimSpec")
    ),
    Rules(f"{_CORE}.PersistentVolumeSpec", validate=_local, when=frozenset({"local"})),
    Rules(f"{_CORE}.PersistentVolumeSpec", validate=_recycled_root, when=frozenset({"hostPath"})),
    Rules(
        f"{_CORE}.PersistentVolumeClaimSpec",
        defaults={"volumeMode": "Filesystem"},
        required=("accessModes",),
        enums={"accessModes": _ACCESS, "volumeMode": _MODES},
        validate=_claim,
        validate_update=_claim_update,
    ),
    Rules(
        f"{_STORAGE}.StorageClass",
        defaults={"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        required=("provisioner",),
        enums={"reclaimPolicy": ("Delete", "Retain"), "volumeBindingMode": ("Immediate", "WaitForFirstConsumer")},
        immutable=("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    ),
    Rules(f"{_CORE}.TopologySelectorLabelRequirement", required=("key", "values")),
    Rules(
        f"{_STORAGE}.VolumeAttributesClass",
        required=("driverName",),
        names={"driverName": driver_name},
        validate=_parameters,
        immutable=("driverName", "parameters"),
    ),
    Rules(
        f"{_STORAGE}.CSIStorageCapacity",
        names={"storageClassName": dns1123_subdomain},
        bounds={"capacity": (0, None), "maximumVolumeSize": (0, None)},
    ),
)
