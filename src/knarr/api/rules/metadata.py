"""ObjectMeta, wherever it is: labels, annotations, finalizers, owners."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import labels, named
from knarr.api.finalizers import is_unqualified
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, invalid, too_long
from knarr.machinery.names import qualified_name

_ANNOTATIONS_LIMIT = 256 * 1024


def _validate(metadata: JSON, path: str) -> Iterable[FieldError]:
    """A template's labels are reported without the `metadata` on their way, as upstream does."""
    holder = path if path == "metadata" else path.removesuffix(".metadata")
    yield from labels(f"{holder}.labels", metadata.get("labels"))
    yield from _annotations(f"{holder}.annotations", metadata.get("annotations") or {})
    yield from _finalizers(f"{path}.finalizers", metadata.get("finalizers") or [])
    yield from _owners(f"{path}.ownerReferences", metadata.get("ownerReferences") or [])


def _annotations(path: str, annotations: dict[str, str]) -> Iterable[FieldError]:
    for key in annotations:
        yield from named(path, key.lower(), qualified_name)
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        yield too_long(path, _ANNOTATIONS_LIMIT)


def _finalizers(path: str, finalizers: list[str]) -> Iterable[FieldError]:
    for name in finalizers:
        yield from named(path, name, qualified_name)
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        yield invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")


def _namespace(spec: JSON, path: str) -> Iterable[FieldError]:
    """Finalizers of a namespace's contents."""
    for name in spec.get("finalizers") or ():
        yield from named(f"{path}.finalizers", name, qualified_name)
        if is_unqualified(name):
            unqualified = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"{path}.finalizers", name, unqualified)


def _owners(path: str, owners: list[JSON]) -> Iterable[FieldError]:
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        found = " and ".join(controllers)
        detail = f'Only one reference can have Controller set to true. Found "true" in references for {found}'
        yield invalid(path, owners, detail)
    for owner in owners:
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                empty = "version must not be empty" if key == "apiVersion" else "must not be empty"
                yield invalid(f"{path}.{key}", "", empty)
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            yield invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")


_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
RULES = (
    Rules(f"{_META}.ObjectMeta", validate=_validate),
    Rules("io.k8s.api.core.v1.NamespaceSpec", validate=_namespace),
    Rules(f"{_META}.OwnerReference", undemanded=("apiVersion", "kind", "name", "uid")),
)
