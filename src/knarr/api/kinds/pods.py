"""Pods: the smallest thing that runs."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.api.pods import printing
from knarr.api.pods.qos import qos_class
from knarr.api.pods.statuses import prepare_status, validate_status
from knarr.api.pods.updates import validate_create, validate_update
from knarr.api.pods.warnings import pod_warnings

_RESTARTS = (
    "The number of times the containers in this pod have been restarted and when the last container in this pod has "
    "restarted."
)


def _ip(pod: JSON) -> str:
    return str(next((entry.get("ip", "") for entry in each(pod, "status.podIPs")), dig(pod, "status.podIP", "")))


def _prepare_create(pod: JSON) -> None:
    """A new Pod is Pending, whatever its creator says; its quality of service follows from its resources."""
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}
    if each(pod, "spec.schedulingGates"):
        pod["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }
        ]


KIND = Kind(
    kind="Pod",
    plural="pods",
    versions=(Version("v1", "io.k8s.api.core.v1.Pod"),),
    short_names=("po",),
    categories=("all",),
    subresources=(
        "attach",
        "binding",
        "ephemeralcontainers",
        "eviction",
        "exec",
        "log",
        "portforward",
        "proxy",
        "resize",
        "status",
    ),
    graceful=True,
    generation=True,
    columns=(
        NAME,
        Column("Ready", printing.ready, description="The aggregate readiness state of this pod for accepting traffic."),
        Column("Status", printing.status, description="The aggregate status of the containers in this pod."),
        Column("Restarts", printing.restarts, description=_RESTARTS),
        AGE,
        Column("IP", lambda pod, now: _ip(pod) or "<none>", priority=1, shows="status.podIP"),
        Column("Node", text("spec.nodeName"), priority=1),
        Column("Nominated Node", text("status.nominatedNodeName"), priority=1),
        Column("Readiness Gates", printing.readiness_gates, priority=1, shows="spec.readinessGates"),
    ),
    fields={
        "spec.nodeName": lambda pod: dig(pod, "spec.nodeName", ""),
        "spec.host": lambda pod: dig(pod, "spec.nodeName", ""),  # its name of old
        "spec.restartPolicy": lambda pod: dig(pod, "spec.restartPolicy", ""),
        "spec.schedulerName": lambda pod: dig(pod, "spec.schedulerName", ""),
        "spec.serviceAccountName": lambda pod: dig(pod, "spec.serviceAccountName", ""),
        "spec.hostNetwork": lambda pod: str(dig(pod, "spec.hostNetwork", False)).lower(),
        "status.phase": lambda pod: dig(pod, "status.phase", ""),
        "status.podIP": _ip,
        "status.podIPs": lambda pod: "",  # to be named, but not looked at, as upstream has it
        "status.nominatedNodeName": lambda pod: dig(pod, "status.nominatedNodeName", ""),
    },
    prepare_create=_prepare_create,
    prepare_status=prepare_status,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
    warnings=pod_warnings,
)
