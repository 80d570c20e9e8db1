"""Nodes: the machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, UNKNOWN, Cell, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each

_ROLE_PREFIX, _ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"


def _status(node: JSON, now: datetime) -> str:
    ready = next((c.get("status") for c in each(node, "status.conditions") if c.get("type") == "Ready"), None)
    said = {"True": "Ready", None: "Unknown"}.get(ready, "NotReady")
    return f"{said},SchedulingDisabled" if dig(node, "spec.unschedulable") else said


def _roles(node: JSON, now: datetime) -> str:
    labels = dig(node, "metadata.labels", {})
    roles = {label.removeprefix(_ROLE_PREFIX) for label in labels if label.startswith(_ROLE_PREFIX)}
    roles |= {labels.get(_ROLE, "")}
    return ",".join(sorted(roles - {""})) or NONE


def _address(kind: str) -> Cell:
    def cell(node: JSON, now: datetime) -> str:
        addresses = each(node, "status.addresses")
        return str(next((a.get("address") for a in addresses if a.get("type") == kind), NONE))

    return cell


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    if dig(new, "spec.configSource") is not None:
        yield "spec.configSource: the feature is removed"
    if dig(new, "spec.externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"


KIND = Kind(
    kind="Node",
    plural="nodes",
    versions=(Version("v1", "io.k8s.api.core.v1.Node"),),
    namespaced=False,
    short_names=("no",),
    storage_prefix="/registry/minions",
    subresources=("proxy", "status"),
    columns=(
        NAME,
        Column("Status", _status, description="The status of the node"),
        Column("Roles", _roles, description="The roles of the node"),
        AGE,
        Column("Version", text("status.nodeInfo.kubeletVersion", "")),
        Column("Internal-IP", _address("InternalIP"), priority=1, shows="status.addresses"),
        Column("External-IP", _address("ExternalIP"), priority=1, shows="status.addresses"),
        Column("OS-Image", text("status.nodeInfo.osImage", UNKNOWN), priority=1),
        Column("Kernel-Version", text("status.nodeInfo.kernelVersion", UNKNOWN), priority=1),
        Column("Container-Runtime", text("status.nodeInfo.containerRuntimeVersion", UNKNOWN), priority=1),
    ),
    warnings=_warnings,
    fields={"spec.unschedulable": lambda node: str(dig(node, "spec.unschedulable", False)).lower()},
)
