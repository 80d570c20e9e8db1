"""ControllerRevisions: the history of DaemonSets and StatefulSets; their data never changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, invalid


def _controller(revision: JSON, now: datetime) -> str:
    owner = next((o for o in each(revision, "metadata.ownerReferences") if o.get("controller")), None)
    if owner is None:
        return NONE
    group = owner.get("apiVersion", "").rpartition("/")[0]
    return f"{owner.get('kind', '')}{f'.{group}' if group else ''}".lower() + f"/{owner.get('name', '')}"


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    if new.get("data") != old.get("data"):
        yield invalid("data", new.get("data"), "field is immutable")


KIND = Kind(
    kind="ControllerRevision",
    plural="controllerrevisions",
    versions=(Version("v1", "io.k8s.api.apps.v1.ControllerRevision"),),
    group="apps",
    columns=(
        NAME,
        Column("Controller", _controller, description="Controller of the object"),
        Column("Revision", value("revision", 0)),
        AGE,
    ),
    validate_update=_validate_update,
)
