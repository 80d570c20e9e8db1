"""Containers of every sort: images, ports, mounts, and the probes that only some may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from knarr.api.checks import no_parent, relative_path, unique
from knarr.api.images import is_latest
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported
from knarr.machinery.names import dns1123_label, ip, port_name

_CORE = "io.k8s.api.core.v1"
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_DEFAULTS = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": lambda container: "Always" if is_latest(container.get("image") or "") else "IfNotPresent",
    "resources": {},
}
_ENUMS = {"imagePullPolicy": _PULL_POLICIES, "terminationMessagePolicy": ("FallbackToLogsOnError", "File")}
_NOT_EPHEMERAL = ("lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe")


def _container(container: JSON, path: str) -> Iterable[FieldError]:
    image = container.get("image") or ""
    if image != image.strip():
        yield invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    for probe in ("livenessProbe", "startupProbe"):
        threshold = (container.get(probe) or {}).get("successThreshold", 1)
        if threshold not in (0, 1):
            yield invalid(f"{path}.{probe}.successThreshold", threshold, "must be 1")
    yield from unique(f"{path}.ports", container.get("ports") or ())
    yield from _mounts(f"{path}.volumeMounts", container.get("volumeMounts") or [])


def _mounts(path: str, mounts: list[JSON]) -> Iterable[FieldError]:
    seen = set()
    for index, mount in enumerate(mounts):
        where = mount.get("mountPath")
        if where and where in seen:
            yield invalid(f"{path}[{index}].mountPath", where, "must be unique")
        seen.add(where)


def _mount(mount: JSON, path: str) -> Iterable[FieldError]:
    for key in ("subPath", "subPathExpr"):
        if inner := mount.get(key):
            yield from relative_path(f"{path}.{key}", inner)
    if mount.get("subPath") and mount.get("subPathExpr"):
        yield invalid(f"{path}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")


def _ephemeral(container: JSON, path: str) -> Iterable[FieldError]:
    """Containers for debugging join a running Pod: nothing that would need planning is theirs (KEP-277)."""
    yield from _container(container, path)
    for name in _NOT_EPHEMERAL:
        if container.get(name):
            yield forbidden(f"{path}.{name}", "cannot be set for an Ephemeral Container")
    if any((container.get("resources") or {}).values()):
        yield forbidden(f"{path}.resources", "cannot be set for an Ephemeral Container")


def _security(context: JSON, path: str) -> Iterable[FieldError]:
    for key in ("runAsUser", "runAsGroup"):
        if (number := context.get(key)) is not None and not 0 <= number <= 2**31 - 1:
            yield invalid(f"{path}.{key}", number, "must be between 0 and 2147483647, inclusive")
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            yield invalid(path, context, detail)
        if "SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            yield invalid(path, context, detail)


def _profile(profile: JSON, path: str) -> Iterable[FieldError]:
    """Seccomp and AppArmor: a profile on the node is named exactly when the type says so."""
    kind, local = profile.get("type"), profile.get("localhostProfile")
    if kind not in ("Localhost", "RuntimeDefault", "Unconfined"):
        yield not_supported(f"{path}.type", kind, ("Localhost", "RuntimeDefault", "Unconfined"))
    elif kind == "Localhost" and local:
        yield from no_parent(f"{path}.localhostProfile", local)
    elif (kind == "Localhost") != bool(local):
        detail = "must be set when seccomp type is Localhost" if not local else "can only be set when type is Localhost"
        yield invalid(f"{path}.localhostProfile", local or "", detail)


_CONTAINER = Rules(
    f"{_CORE}.Container",
    repeated=(
        *("env", "envFrom", "lifecycle", "livenessProbe", "ports", "readinessProbe", "resources", "securityContext"),
        "startupProbe",
    ),
    defaults=_DEFAULTS,
    required=("name", "image"),
    enums=_ENUMS,
    names={"name": dns1123_label},
    validate=_container,
)

RULES = (
    _CONTAINER,
    replace(_CONTAINER, definition=f"{_CORE}.EphemeralContainer", validate=_ephemeral),
    Rules(
        f"{_CORE}.ContainerPort",
        defaults={"protocol": "TCP"},
        enums={"protocol": ("SCTP", "TCP", "UDP")},
        bounds={"containerPort": (1, 65535), "hostPort": (0, 65535)},
        names={"name": port_name, "hostIP": ip},
    ),
    Rules(
        f"{_CORE}.VolumeMount",
        required=("name", "mountPath"),
        enums={"mountPropagation": ("Bidirectional", "HostToContainer", "None")},
        validate=_mount,
        when=frozenset({"subPath", "subPathExpr"}),
    ),
    Rules(f"{_CORE}.SecurityContext", validate=_security),
    Rules(f"{_CORE}.SeccompProfile", validate=_profile),
)
