"""What a Pod's operating system rules out (KEP-2802).

https://kubernetes.io/docs/concepts/workloads/pods/#pod-os
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import containers
from knarr.machinery.fielderrors import FieldError, forbidden

_CORE = "io.k8s.api.core.v1"
_NOT_ON_WINDOWS = (  # of a Pod
    *("hostIPC", "hostPID", "hostUsers", "securityContext.appArmorProfile", "securityContext.fsGroup"),
    *("securityContext.fsGroupChangePolicy", "securityContext.runAsGroup", "securityContext.runAsUser"),
    *("securityContext.seLinuxChangePolicy", "securityContext.seLinuxOptions", "securityContext.seccompProfile"),
    *("securityContext.supplementalGroups", "securityContext.supplementalGroupsPolicy", "securityContext.sysctls"),
    "shareProcessNamespace",
)
_NOT_IN_WINDOWS = (  # of a container
    *("allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "procMount"),
    *("readOnlyRootFilesystem", "runAsGroup", "runAsUser", "seLinuxOptions", "seccompProfile"),
)


def _system(spec: JSON, path: str) -> Iterable[FieldError]:
    match (spec["os"] or {}).get("name"):
        case "windows":
            yield from _set(spec, path, _NOT_ON_WINDOWS, "cannot be set for a windows pod")
            yield from _in_containers(spec, path, _NOT_IN_WINDOWS, "cannot be set for a windows pod")
        case "linux":
            detail = "windows options cannot be set for a linux pod"
            yield from _set(spec, path, ("securityContext.windowsOptions",), detail)
            yield from _in_containers(spec, path, ("windowsOptions",), detail)


def _in_containers(spec: JSON, path: str, fields: tuple[str, ...], detail: str) -> Iterable[FieldError]:
    for where, container in containers(spec, path):
        yield from _set(container.get("securityContext") or {}, f"{where}.securityContext", fields, detail)


def _set(holder: JSON, path: str, fields: tuple[str, ...], detail: str) -> Iterable[FieldError]:
    return (forbidden(f"{path}.{field}", detail) for field in fields if dig(holder, field) is not None)


def _stop_signals(spec: JSON, path: str) -> Iterable[FieldError]:
    """Signals have names of their system (KEP-4960)."""
    if dig(spec, "os.name") or not any(container.get("lifecycle") for container in each(spec, "containers")):
        return
    for where, container in containers(spec, path):
        if container.get("lifecycle") and container["lifecycle"].get("stopSignal"):
            yield forbidden(f"{where}.lifecycle.stopSignal", "may not be set for containers with empty `spec.os.name`")


RULES = (
    Rules(f"{_CORE}.PodSpec", validate=_system, when=frozenset({"os"})),
    Rules(f"{_CORE}.PodSpec", validate=_stop_signals),
    Rules(f"{_CORE}.PodOS", enums={"name": ("linux", "windows")}),
)
