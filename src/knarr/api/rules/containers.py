"""Containers of every sort: images, ports, mounts, and the probes that only some may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from knarr.api.checks import unique
from knarr.api.images import is_latest
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1123_label, ip, port_name

_CORE = "io.k8s.api.core.v1"
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_DEFAULTS = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": lambda container: "Always" if is_latest(container.get("image") or "") else "IfNotPresent",
    "resources": {},
}
_ENUMS = {
    "imagePullPolicy": _PULL_POLICIES,
    "restartPolicy": ("Always", "Never", "OnFailure"),
    "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
}
_PORTS = range(1, 65536)
_NOT_EPHEMERAL = ("lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe")


def _container(container: JSON, path: str) -> Iterable[FieldError]:
    image = container.get("image") or ""
    if image != image.strip():
        yield invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    yield from unique(f"{path}.ports", container.get("ports") or ())


def _port(port: JSON, path: str) -> Iterable[FieldError]:
    number = port.get("containerPort")
    if not number:
        yield required(f"{path}.containerPort")
    elif number not in _PORTS:
        yield invalid(f"{path}.containerPort", number, "must be between 1 and 65535, inclusive")


def _probes(container: JSON, path: str) -> Iterable[FieldError]:
    for probe in ("livenessProbe", "startupProbe"):
        threshold = (container.get(probe) or {}).get("successThreshold", 1)
        if threshold not in (0, 1):
            yield invalid(f"{path}.{probe}.successThreshold", threshold, "must be 1")
    grace = (container.get("readinessProbe") or {}).get("terminationGracePeriodSeconds")
    if grace is not None:
        where = f"{path}.readinessProbe.terminationGracePeriodSeconds"
        yield invalid(where, grace, "must not be set for readinessProbes")


def _restarts(container: JSON, path: str) -> Iterable[FieldError]:
    """Who has rules for restarts says what holds besides them (KEP-5307)."""
    if container["restartPolicyRules"] and not container.get("restartPolicy"):
        yield required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")


def _resizing(container: JSON, path: str) -> Iterable[FieldError]:
    """What may be resized in place, each once (KEP-1287)."""
    seen: set[str] = set()
    for policy in container["resizePolicy"]:
        name, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name in seen:
            yield duplicate(f"{path}.resizePolicy", name)
        seen.add(name)
        if name not in ("cpu", "memory"):
            yield not_supported(f"{path}.resizePolicy", name, ("cpu", "memory"))
        if restart not in ("NotRequired", "RestartContainer"):
            yield not_supported(f"{path}.resizePolicy", restart, ("NotRequired", "RestartContainer"))


def _ephemeral(container: JSON, path: str) -> Iterable[FieldError]:
    """Containers for debugging join a running Pod: nothing that would need planning is theirs (KEP-277)."""
    yield from _container(container, path)
    for name in _NOT_EPHEMERAL:
        if container.get(name):
            yield forbidden(f"{path}.{name}", "cannot be set for an Ephemeral Container")
    if any((container.get("resources") or {}).values()):
        yield forbidden(f"{path}.resources", "cannot be set for an Ephemeral Container")
    if container.get("resizePolicy"):
        yield forbidden(f"{path}.resizePolicy", "cannot be set for an Ephemeral Container")
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        for name in ("subPath", "subPathExpr"):
            if mount.get(name):
                yield forbidden(f"{path}.volumeMounts[{index}].{name}", "cannot be set for an Ephemeral Container")


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
        bounds={"hostPort": (0, 65535)},
        names={"name": port_name, "hostIP": ip},
        validate=_port,
    ),
    Rules(f"{_CORE}.Container", validate=_probes, when=frozenset({"livenessProbe", "readinessProbe", "startupProbe"})),
    Rules(f"{_CORE}.Container", validate=_resizing, when=frozenset({"resizePolicy"})),
    Rules(
        f"{_CORE}.Container",
        sizes={"restartPolicyRules": 20},
        validate=_restarts,
        when=frozenset({"restartPolicyRules"}),
    ),
)
