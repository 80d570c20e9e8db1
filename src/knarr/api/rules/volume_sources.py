"""Sources of volumes that are not files of the API: claims, drivers, images, memory, network storage."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.devices import driver_name
from knarr.api.images import is_latest
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required
from knarr.machinery.quantity import parse

_CORE = "io.k8s.api.core.v1"
_TEMPLATE_METADATA = frozenset({"annotations", "labels"})


def _memory(source: JSON, path: str) -> Iterable[FieldError]:
    if parse(source["sizeLimit"]) < parse(0):
        yield forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _driver(source: JSON, path: str) -> Iterable[FieldError]:
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        yield required(f"{path}.nodePublishSecretRef.name")


def _ephemeral(source: JSON, path: str) -> Iterable[FieldError]:
    """A claim made for the Pod has the Pod's name in its own."""
    where = f"{path}.volumeClaimTemplate"
    template = source.get("volumeClaimTemplate")
    if template is None:
        yield required(where)
        return
    for field in dig(template, "metadata", {}).keys() - _TEMPLATE_METADATA:
        yield forbidden(f"{where}.metadata.{field}", "may not be set")


def _iscsi(source: JSON, path: str) -> Iterable[FieldError]:
    if not 0 <= source.get("lun", 0) <= 255:
        yield invalid(f"{path}.lun", source["lun"], "must be between 0 and 255, inclusive")
    name = source.get("iqn") or ""
    if name and not name.startswith(("iqn.", "eui.", "naa.")):
        yield invalid(f"{path}.iqn", name, "must be valid format")


def _fibre(source: JSON, path: str) -> Iterable[FieldError]:
    names, identifiers = source.get("targetWWNs"), source.get("wwids")
    if names and identifiers:
        yield invalid(f"{path}.targetWWNs", names, "targetWWNs and wwids can not be specified simultaneously")
    elif not names and not identifiers:
        yield required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    elif names and source.get("lun") is None:
        yield required(f"{path}.lun", "lun is required if targetWWNs is specified")


RULES = (
    Rules(f"{_CORE}.EmptyDirVolumeSource", validate=_memory, when=frozenset({"sizeLimit"})),
    Rules(f"{_CORE}.CSIVolumeSource", required=("driver",), names={"driver": driver_name}, validate=_driver),
    Rules(f"{_CORE}.EphemeralVolumeSource", validate=_ephemeral),
    Rules(
        f"{_CORE}.ImageVolumeSource",
        defaults={
            "pullPolicy": lambda source: "Always" if is_latest(source.get("reference") or "") else "IfNotPresent",
        },
        required=("reference",),
        enums={"pullPolicy": ("Always", "IfNotPresent", "Never")},
    ),
    Rules(f"{_CORE}.ISCSIVolumeSource", validate=_iscsi),
    Rules(f"{_CORE}.FCVolumeSource", validate=_fibre),
    *(
        Rules(f"{_CORE}.{ceph}", required=("monitors",))
        for ceph in (
            "CephFSVolumeSource",
            "CephFSPersistentVolumeSource",
            "RBDVolumeSource",
            "RBDPersistentVolumeSource",
        )
    ),
    Rules(f"{_CORE}.RBDVolumeSource", defaults={"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}),
    Rules(
        f"{_CORE}.AzureDiskVolumeSource",
        defaults={"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
        enums={"cachingMode": ("None", "ReadOnly", "ReadWrite"), "kind": ("Dedicated", "Managed", "Shared")},
    ),
    Rules(f"{_CORE}.ScaleIOVolumeSource", defaults={"storageMode": "ThinProvisioned", "fsType": "xfs"}),
    Rules(f"{_CORE}.GCEPersistentDiskVolumeSource", bounds={"partition": (0, 255)}),
    Rules(f"{_CORE}.AWSElasticBlockStoreVolumeSource", bounds={"partition": (0, 255)}),
    Rules(f"{_CORE}.ClusterTrustBundleProjection", required=("path",)),
)
