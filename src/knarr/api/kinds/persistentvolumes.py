"""PersistentVolumes: storage that outlives Pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from knarr.api.cells import AGE, NAME, UNSET, text, value
from knarr.api.checks import unchanged
from knarr.api.differences import difference
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.api.pods.outdated import term_warnings
from knarr.api.volumes import BESIDE_SOURCES, access_modes, annotation_warnings, phase, storage_class
from knarr.machinery.fielderrors import FieldError, forbidden, invalid


def _claim(volume: JSON, now: datetime) -> str:
    claim = dig(volume, "spec.claimRef", {})
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    yield from annotation_warnings(new, old)
    for index, term in enumerate(each(new, "spec.nodeAffinity.required.nodeSelectorTerms")):
        yield from term_warnings(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    policy = "spec.persistentVolumeReclaimPolicy"
    if dig(new, policy) == "Recycle" and dig(old, policy) != "Recycle":
        yield (
            f"{policy}: The Recycle reclaim policy is deprecated. "
            "Instead, the recommended approach is to use dynamic provisioning."
        )


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    """What is behind a volume stays; so does from where it can be reached, once that is said."""
    after, before = new["spec"], old["spec"]
    sources = [{name: spec[name] for name in spec if name not in BESIDE_SOURCES} for spec in (after, before)]
    if sources[0] != sources[1]:
        detail = "spec.persistentvolumesource is immutable after creation"
        yield forbidden("spec.persistentvolumesource", f"{detail}\n{difference(sources[1], sources[0], 'spec')}")
    yield from unchanged("volumeMode", after.get("volumeMode"), before.get("volumeMode"))
    affinity = before.get("nodeAffinity")
    if affinity is not None and after.get("nodeAffinity") != affinity:
        detail = "field is immutable, except for updating from beta label to GA"
        yield invalid("nodeAffinity", after.get("nodeAffinity"), detail)


KIND = Kind(
    kind="PersistentVolume",
    plural="persistentvolumes",
    versions=(Version("v1", "io.k8s.api.core.v1.PersistentVolume"),),
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
    columns=(
        NAME,
        Column("Capacity", value("spec.capacity.storage"), shows="spec.capacity"),
        Column("Access Modes", access_modes("spec.accessModes"), shows="spec.accessModes"),
        Column("Reclaim Policy", value("spec.persistentVolumeReclaimPolicy")),
        Column("Status", phase, shows="status.phase"),
        Column("Claim", _claim, shows="spec.claimRef"),
        Column("StorageClass", storage_class, description="StorageClass of the pv"),
        Column(
            "VolumeAttributesClass",
            text("spec.volumeAttributesClassName", UNSET),
            description="VolumeAttributesClass of the pv",
        ),
        Column("Reason", value("status.reason")),
        AGE,
        Column("VolumeMode", text("spec.volumeMode", UNSET), priority=1),
    ),
    validate_update=_validate_update,
    warnings=_warnings,
    prepare_create=lambda volume: volume.update(status={"phase": "Pending"}),
)
