"""StatefulSets: Pods with names and storage of their own, in order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME, template_columns
from knarr.api.checks import named
from knarr.api.kind import JSON, Column, Kind, Scale, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings
from knarr.machinery.fielderrors import FieldError
from knarr.machinery.names import dns1123_label


def _ready(stateful_set: JSON, now: datetime) -> str:
    return f"{dig(stateful_set, 'status.readyReplicas', 0)}/{dig(stateful_set, 'spec.replicas', 0)}"


def _validate_create(stateful_set: JSON) -> Iterable[FieldError]:
    """Its Pods' names are below that of a Service."""
    name = dig(stateful_set, "spec.serviceName", "")
    return named("spec.serviceName", name, dns1123_label) if name else ()


def _warnings(new: JSON, old: JSON | None) -> Iterable[str]:
    yield from _OF_TEMPLATE(new, old)
    if dig(new, "spec.revisionHistoryLimit", 0) < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


_OF_TEMPLATE = template_warnings(names_pods=False)
KIND = Kind(
    kind="StatefulSet",
    plural="statefulsets",
    versions=(Version("v1", "io.k8s.api.apps.v1.StatefulSet"),),
    group="apps",
    short_names=("sts",),
    categories=("all",),
    subresources=("scale", "status"),
    scale=Scale(),
    generation=True,
    columns=(NAME, Column("Ready", _ready, description="Number of the pod with ready state"), AGE, *template_columns()),
    validate_create=_validate_create,
    warnings=_warnings,
)
