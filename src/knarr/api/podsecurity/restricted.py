"""The level `restricted`: what baseline holds, and the hardening that is best practice."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.podsecurity.baseline import proc_mount, seccomp, unless_user_namespace
from knarr.api.podsecurity.check import (
    Check,
    Judge,
    Violation,
    containers,
    is_windows,
    named,
    names_of,
    plurally,
    quoted,
    security,
    setters,
)

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def _escalation(metadata: JSON, spec: JSON) -> Violation | None:
    bad = names_of(c for c in containers(spec) if security(c, "allowPrivilegeEscalation") is not False)
    detail = f"{named('container', bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail) if bad else None


def _capabilities(metadata: JSON, spec: JSON) -> Violation | None:
    keeping = [c for c in containers(spec) if "ALL" not in dig(c, "securityContext.capabilities.drop", ())]
    added = [(c, set(dig(c, "securityContext.capabilities.add", ())) - {"NET_BIND_SERVICE"}) for c in containers(spec)]
    adding = [container for container, more in added if more]
    details = []
    if keeping:
        details.append(f'{named("container", names_of(keeping))} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        what = quoted(sorted(set().union(*(more for _, more in added))))
        who = named("container", names_of(adding))
        details.append(f"{who} must not include {what} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _volumes(metadata: JSON, spec: JSON) -> Violation | None:
    kinds = {volume.get("name", ""): (volume.keys() - {"name"}) for volume in each(spec, "volumes")}
    bad = [name for name, sources in kinds.items() if not sources & _VOLUMES]
    if not bad:
        return None
    types = sorted(set().union(*(kinds[name] or {"unknown"} for name in bad)))
    uses, what = plurally("uses", bad, "use"), named("restricted volume type", types)
    return Violation("restricted volume types", f"{named('volume', bad)} {uses} {what}")


def _non_root(metadata: JSON, spec: JSON) -> Violation | None:
    reason, path = "runAsNonRoot != true", "runAsNonRoot"
    refusing = names_of(c for c in containers(spec) if security(c, path) is False)
    if who := setters(security(spec, path) is False, refusing):
        return Violation(reason, f"{who} must not set securityContext.runAsNonRoot=false")
    silent = names_of(c for c in containers(spec) if security(c, path) is None)
    if silent and not security(spec, path):
        return Violation(reason, f"pod or {named('container', silent)} must set securityContext.runAsNonRoot=true")
    return None


def _user(metadata: JSON, spec: JSON) -> Violation | None:
    roots = names_of(c for c in containers(spec) if security(c, "runAsUser") == 0)
    who = setters(security(spec, "runAsUser") == 0, roots)
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


def _seccomp(metadata: JSON, spec: JSON) -> Violation | None:
    if (found := seccomp(metadata, spec)) or security(spec, "seccompProfile") is not None:
        return found
    silent = names_of(c for c in containers(spec) if security(c, "seccompProfile") is None)
    detail = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation("seccompProfile", f"pod or {named('container', silent)} {detail}") if silent else None


def _unless_windows(judge: Judge) -> Judge:
    """The same, but for Pods that say that they need Windows, which knows nothing of it."""
    return lambda metadata, spec: None if is_windows(spec) else judge(metadata, spec)


CHECKS: tuple[Check, ...] = (
    Check("allowPrivilegeEscalation", "restricted", ((8, _escalation), (25, _unless_windows(_escalation)))),
    Check(
        "capabilities_restricted",
        "restricted",
        ((22, _capabilities), (25, _unless_windows(_capabilities))),
        overrides=("capabilities_baseline",),
    ),
    Check("procMount_restricted", "restricted", ((35, proc_mount),), overrides=("procMount",)),
    Check("restrictedVolumes", "restricted", ((0, _volumes),), overrides=("hostPathVolumes",)),
    Check("runAsNonRoot", "restricted", ((0, _non_root), (35, unless_user_namespace(_non_root)))),
    Check("runAsUser", "restricted", ((23, _user), (35, unless_user_namespace(_user)))),
    Check(
        "seccompProfile_restricted",
        "restricted",
        ((19, _seccomp), (25, _unless_windows(_seccomp))),
        overrides=("seccompProfile_baseline",),
    ),
)
