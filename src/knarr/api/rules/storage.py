"""PersistentVolumes, claims and storage classes."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import normpath

from knarr.api.checks import named
from knarr.api.devices import driver_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.api.volumes import BESIDE_SOURCES
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required, too_long
from knarr.machinery.names import dns1123_subdomain, qualified_name
from knarr.machinery.quantity import parse

_CORE, _STORAGE = "io.k8s.api.core.v1", "io.k8s.api.storage.v1"
_ACCESS = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_MODES, _RECLAIM = ("Block", "Filesystem"), ("Delete", "Recycle", "Retain")
_PARAMETERS, _PARAMETERS_SIZE = 512, 256 * 1024


def _volume(spec: JSON, path: str) -> Iterable[FieldError]:
    sources = [name for name in spec if name not in BESIDE_SOURCES]
    capacity = spec.get("capacity") or {}
    if not capacity:
        yield required(f"{path}.capacity")
    elif set(capacity) != {"storage"}:
        yield not_supported(f"{path}.capacity", capacity, ("storage",))
    elif parse(capacity["storage"]) <= parse("0"):
        yield invalid(f"{path}.capacity[storage]", capacity["storage"], "must be greater than zero")
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


def _claim(spec: JSON, path: str) -> Iterable[FieldError]:
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required(f"{path}.resources[storage]")
    elif parse(storage) <= parse(0):
        yield invalid(f"{path}.resources[storage]", storage, "must be greater than zero")


def _sources(spec: JSON, path: str) -> Iterable[FieldError]:
    """What a claim is filled with at first."""
    old, new = spec.get("dataSource"), spec.get("dataSourceRef")
    for field, source in (("dataSource", old), ("dataSourceRef", new)):
        if source is not None:
            yield from _source(source, f"{path}.{field}")
    if old is None or new is None:
        return
    if new.get("namespace"):
        detail = "may not be specified when dataSourceRef.namespace is specified"
        yield invalid(path, f"{path}.dataSource", detail)
    elif old != {key: value for key, value in new.items() if key != "namespace"}:
        yield invalid(path, f"{path}.dataSource", "must match dataSourceRef")


def _source(source: JSON, path: str) -> Iterable[FieldError]:
    group, kind = source.get("apiGroup") or "", source.get("kind") or ""
    if not group and kind and kind != "PersistentVolumeClaim":
        yield invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
    if group:
        yield from named(f"{path}.apiGroup", group, dns1123_subdomain)


def _class_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if (new.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, f"updates to {field} are forbidden.")


def _attributes_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    for field in ("driverName", "parameters"):
        if new.get(field) != old.get(field):
            yield forbidden(field, f"updates to {field} are forbidden.")


def _pairs(storage_class: JSON, path: str) -> Iterable[FieldError]:
    yield from _bounded(storage_class.get("parameters") or {})
    if provisioner := storage_class.get("provisioner"):
        yield from named("provisioner", provisioner, lambda name: qualified_name(name.lower()))


def _parameters(attributes: JSON, path: str) -> Iterable[FieldError]:
    """What a driver is told: some 500 pairs, 256 KiB at most."""
    parameters = attributes.get("parameters") or {}
    if not parameters:
        yield required("parameters", "must contain at least one key/value pair")
    yield from _bounded(parameters)


def _bounded(parameters: JSON) -> Iterable[FieldError]:
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
        demands={"accessModes": "at least 1 access mode is required"},
        enums={"accessModes": _ACCESS, "volumeMode": _MODES},
        validate=_claim,
    ),
    Rules(
        f"{_CORE}.PersistentVolumeClaimSpec",
        validate=_sources,
        when=frozenset({"dataSource", "dataSourceRef"}),
    ),
    Rules(f"{_CORE}.TypedObjectReference", required=("kind", "name")),
    Rules(
        f"{_STORAGE}.StorageClass",
        defaults={"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        required=("provisioner",),
        enums={"reclaimPolicy": ("Delete", "Retain"), "volumeBindingMode": ("Immediate", "WaitForFirstConsumer")},
        validate=_pairs,
        validate_update=_class_update,
        immutable=("volumeBindingMode",),
    ),
    Rules(f"{_CORE}.TopologySelectorLabelRequirement", required=("key", "values")),
    Rules(
        f"{_STORAGE}.VolumeAttributesClass",
        required=("driverName",),
        names={"driverName": driver_name},
        validate=_parameters,
        validate_update=_attributes_update,
    ),
    Rules(
        f"{_STORAGE}.CSIStorageCapacity",
        names={"storageClassName": dns1123_subdomain},
        bounds={"capacity": (0, None), "maximumVolumeSize": (0, None)},
    ),
)
