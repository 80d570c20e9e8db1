"""APIServices: who serves a version of a group, this server or one behind a Service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import path_segment


def _service(api_service: JSON, now: datetime) -> str:
    service = dig(api_service, "spec.service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(api_service: JSON, now: datetime) -> str:
    """`True`, or what it is instead and why."""
    for condition in each(api_service, "status.conditions"):
        if condition.get("type") == "Available":
            status, reason = str(condition.get("status", "")), condition.get("reason")
            return status if status == "True" or not reason else f"{status} ({reason})"
    return "Unknown"


def _validate(api_service: JSON) -> Iterable[FieldError]:
    """The name says what it is about."""
    spec, name = api_service.get("spec") or {}, api_service["metadata"].get("name", "")
    wanted = f"{spec.get('version', '')}.{spec.get('group', '')}"
    if name and name != wanted:
        yield invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"')


KIND = Kind(
    kind="APIService",
    plural="apiservices",
    versions=(Version("v1", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService"),),
    group="apiregistration.k8s.io",
    namespaced=False,
    storage_prefix="/registry/apiregistration.k8s.io/apiservices",
    categories=("api-extensions",),
    subresources=("status",),
    name_rule=path_segment,
    columns=(NAME, Column("Service", _service), Column("Available", _available), AGE),
    validate=_validate,
)
