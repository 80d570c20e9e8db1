"""Security contexts of Pods and containers: who processes run as, and what confines them.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from knarr.api.checks import relative_path
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, not_supported, required, too_long
from knarr.machinery.names import in_range

_CORE = "io.k8s.api.core.v1"
_LARGEST_ID = 2**31 - 1
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_SYSCTL_MESSAGE = f"must have at most 253 characters and match regex ^{_SYSCTL.pattern}$"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_APPARMOR_LENGTH = 4095
_IDS = frozenset({"fsGroup", "runAsGroup", "runAsUser", "supplementalGroups"})


def _ids(context: JSON, path: str) -> Iterable[FieldError]:
    """Users and groups are numbers that the kernel knows."""
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        if (number := context.get(key)) is not None:
            yield from _id(f"{path}.{key}", number)
    for index, number in enumerate(each(context, "supplementalGroups")):
        yield from _id(f"{path}.supplementalGroups[{index}]", number)


def _id(path: str, number: int) -> Iterable[FieldError]:
    return (invalid(path, number, message) for message in in_range(number, 0, _LARGEST_ID))


def _sysctls(context: JSON, path: str) -> Iterable[FieldError]:
    seen: set[str] = set()
    for index, sysctl in enumerate(each(context, "sysctls")):
        where, name = f"{path}.sysctls[{index}].name", sysctl.get("name") or ""
        if not name:
            yield required(where)
        elif len(name) > 253 or not _SYSCTL.fullmatch(name):
            yield invalid(where, name, _SYSCTL_MESSAGE)
        elif name in seen:
            yield duplicate(where, name)
        seen.add(name)


def _escalation(context: JSON, path: str) -> Iterable[FieldError]:
    if context["allowPrivilegeEscalation"] is not False:
        return
    if context.get("privileged"):
        yield invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
    if "SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        yield invalid(path, context, detail)


def _profile(noun: str, field: str, check: Callable[[str, str], Iterable[FieldError]]) -> Rules:
    """Seccomp and AppArmor: a profile on the node is named exactly when the type says so."""

    def validate(profile: JSON, path: str) -> Iterable[FieldError]:
        kind, local, where = profile.get("type"), profile.get("localhostProfile"), f"{path}.localhostProfile"
        if not kind:
            yield required(f"{path}.type", f"type is required when {field} is set")
        elif kind not in _PROFILES:
            yield not_supported(f"{path}.type", kind, _PROFILES)
        elif kind == "Localhost" and local is None:
            yield required(where, f"must be set when {noun} type is Localhost")
        elif kind == "Localhost":
            yield from check(where, str(local))
        elif local is not None:
            yield invalid(where, local, f"can only be set when {noun} type is Localhost")

    return Rules(f"{_CORE}.{field[0].upper()}{field[1:]}", undemanded=("type",), validate=validate)


def _apparmor(path: str, name: str) -> Iterable[FieldError]:
    if name.strip() != name:
        yield invalid(path, name, "must not be padded with whitespace")
    elif not name:
        yield required(path, "must be set when AppArmor type is Localhost")
    if len(name) > _APPARMOR_LENGTH:
        yield too_long(path, _APPARMOR_LENGTH)


RULES = (
    Rules(
        f"{_CORE}.PodSecurityContext",
        enums={
            "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
            "seLinuxChangePolicy": ("MountOption", "Recursive"),
            "supplementalGroupsPolicy": ("Merge", "Strict"),
        },
        validate=_ids,
        when=_IDS,
    ),
    Rules(f"{_CORE}.Sysctl", undemanded=("name", "value")),
    Rules(f"{_CORE}.PodSecurityContext", validate=_sysctls, when=frozenset({"sysctls"})),
    Rules(f"{_CORE}.SecurityContext", enums={"procMount": ("Default", "Unmasked")}, validate=_ids, when=_IDS),
    Rules(f"{_CORE}.SecurityContext", validate=_escalation, when=frozenset({"allowPrivilegeEscalation"})),
    _profile("seccomp", "seccompProfile", relative_path),
    _profile("AppArmor", "appArmorProfile", _apparmor),
)
