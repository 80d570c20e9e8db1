"""CustomResourceDefinitions: resources that the cluster's users add. What they make is in api/custom."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.cells import CREATED_AT, NAME
from knarr.api.custom import definitions
from knarr.api.kind import JSON, Kind, Version
from knarr.machinery.fielderrors import FieldError

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


def _prepare_create(crd: JSON) -> None:
    crd["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}
    _note_storage_version(crd)


def _prepare_update(new: JSON, old: JSON) -> None:
    new["status"] = {**(new.get("status") or {})}
    _note_storage_version(new)


def _note_storage_version(crd: JSON) -> None:
    """There may be objects of every version that was ever the stored one."""
    stored = crd["status"].get("storedVersions") or []
    named = [version["name"] for version in crd["spec"].get("versions") or () if version.get("storage")]
    crd["status"]["storedVersions"] = [*stored, *(name for name in named[:1] if name not in stored)]


def _prepare_delete(crd: JSON, now: str) -> None:
    """The definition stays until its objects are gone."""
    metadata = crd["metadata"]
    if CLEANUP not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), CLEANUP]
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    definitions.set_condition(crd, "Terminating", "True", "InstanceDeletionPending", message, now)


def _validate(crd: JSON) -> Iterator[FieldError]:
    yield from definitions.check(crd)
    yield from definitions.check_approval(crd)
    yield from definitions.check_preserving(crd)


KIND = Kind(
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    versions=(Version("v1", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"),),
    group="apiextensions.k8s.io",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    storage_prefix="/registry/apiextensions.k8s.io/customresourcedefinitions",
    subresources=("status",),
    generation=True,
    columns=(NAME, CREATED_AT),
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    prepare_delete=_prepare_delete,
    validate=_validate,
    validate_update=definitions.check_change,
)
