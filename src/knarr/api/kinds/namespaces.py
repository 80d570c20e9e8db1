"""Namespaces: rooms for names; one that is being deleted stays until its contents are gone."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, text
from knarr.api.kind import ALL_VERBS, JSON, Column, Kind, Version
from knarr.api.namespaces import label
from knarr.api.paths import dig
from knarr.machinery.names import dns1123_label

FINALIZER = "kubernetes"


def _prepare_create(namespace: JSON) -> None:
    """Active from the start, and held by the finalizer that the namespace controller removes at the end."""
    label(namespace)  # whose name may just have been generated
    namespace["status"] = {"phase": "Active"}
    finalizers = namespace.setdefault("spec", {}).setdefault("finalizers", [])
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)


def _prepare_update(new: JSON, old: JSON) -> None:
    """Finalizers change through the finalize subresource alone."""
    new["spec"] = dict(new.get("spec") or {}, finalizers=dig(old, "spec.finalizers", []))


KIND = Kind(
    kind="Namespace",
    plural="namespaces",
    versions=(Version("v1", "io.k8s.api.core.v1.Namespace"),),
    namespaced=False,
    short_names=("ns",),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=("finalize", "status"),
    name_rule=dns1123_label,
    columns=(NAME, Column("Status", text("status.phase", ""), description="The status of the namespace"), AGE),
    fields={
        "status.phase": lambda namespace: dig(namespace, "status.phase", ""),
        "name": lambda namespace: dig(namespace, "metadata.name", ""),
    },
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
)
