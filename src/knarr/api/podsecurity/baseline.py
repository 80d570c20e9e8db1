"""The level `baseline`: known ways to more privileges are closed."""

from __future__ import annotations

import json

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.podsecurity.check import (
    Check,
    Judge,
    Violation,
    containers,
    has_user_namespace,
    named,
    names_of,
    plurally,
    quoted,
    security,
    setters,
)

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD, _SECCOMP_CONTAINER = (
    "seccomp.security.alpha.kubernetes.io/pod",
    "container.seccomp.security.alpha.kubernetes.io/",
)
_CONFINED = ("RuntimeDefault", "Localhost")
_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    }
)
_SYSCTLS_27 = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_29 = _SYSCTLS_27 | {
    f"net.ipv4.tcp_{name}" for name in ("keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")
}
_SYSCTLS_32 = _SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


def _apparmor(metadata: JSON, spec: JSON) -> Violation | None:
    path = "appArmorProfile.type"
    pod, bad = _unconfined(spec, path)
    annotations = sorted(
        f"{key}={json.dumps(value)}"
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    who = " and ".join(
        filter(None, [setters(pod, names_of(bad)), plurally("annotation", annotations) * bool(annotations)])
    )
    if not who:
        return None
    values = [*sorted({str(security(holder, path)) for holder in ([spec] * pod) + bad}), *annotations]
    return Violation(
        plurally("forbidden AppArmor profile", values), f"{who} must not set AppArmor profile type to {quoted(values)}"
    )


def _unconfined(spec: JSON, path: str) -> tuple[bool, list[JSON]]:
    """Whether the Pod, and which containers, set a profile of a type that confines nothing."""
    holders = [spec, *containers(spec)]
    bad = [holder for holder in holders if (kind := security(holder, path)) is not None and kind not in _CONFINED]
    return any(holder is spec for holder in bad), [holder for holder in bad if holder is not spec]


def _capabilities(metadata: JSON, spec: JSON) -> Violation | None:
    added = [(c, set(dig(c, "securityContext.capabilities.add", ())) - _CAPABILITIES) for c in containers(spec)]
    bad = [container for container, more in added if more]
    if not bad:
        return None
    what = quoted(sorted(set().union(*(more for _, more in added))))
    detail = f"{named('container', names_of(bad))} must not include {what} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


def _host_namespaces(metadata: JSON, spec: JSON) -> Violation | None:
    shared = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None


def _host_paths(metadata: JSON, spec: JSON) -> Violation | None:
    bad = names_of(volume for volume in each(spec, "volumes") if volume.get("hostPath") is not None)
    return Violation("hostPath volumes", named("volume", bad)) if bad else None


def _host_ports(metadata: JSON, spec: JSON) -> Violation | None:
    bad = [c for c in containers(spec) if any(port.get("hostPort") for port in each(c, "ports"))]
    if not bad:
        return None
    ports = sorted({str(p["hostPort"]) for c in bad for p in each(c, "ports") if p.get("hostPort")})
    uses = plurally("uses", bad, "use")
    return Violation(
        "hostPort", f"{named('container', names_of(bad))} {uses} {plurally('hostPort', ports)} {', '.join(ports)}"
    )


def _host_probes(metadata: JSON, spec: JSON) -> Violation | None:
    found = {c.get("name", ""): hosts for c in containers(spec) if (hosts := _probed_hosts(c))}
    if not found:
        return None
    named_hosts, uses = sorted({host for group in found.values() for host in group}), plurally("uses", found, "use")
    detail = f"{named('container', sorted(found))} {uses} {named('probe or lifecycle host', named_hosts)}"
    return Violation("probe or lifecycle host", detail)


def _probed_hosts(container: JSON) -> set[str]:
    probes = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
    paths = (f"{probe}.{action}.host" for probe in probes for action in ("httpGet", "tcpSocket"))
    return {host for path in paths if (host := dig(container, path))}


def _privileged(metadata: JSON, spec: JSON) -> Violation | None:
    bad = names_of(c for c in containers(spec) if security(c, "privileged"))
    return (
        Violation("privileged", f"{named('container', bad)} must not set securityContext.privileged=true")
        if bad
        else None
    )


def proc_mount(metadata: JSON, spec: JSON) -> Violation | None:
    bad = [c for c in containers(spec) if security(c, "procMount") not in (None, "Default")]
    if not bad:
        return None
    kinds = quoted(sorted({str(security(c, "procMount")) for c in bad}))
    return Violation(
        "procMount", f"{named('container', names_of(bad))} must not set securityContext.procMount to {kinds}"
    )


def unless_user_namespace(judge: Judge) -> Judge:
    """The same, but for Pods with a user namespace of their own."""
    return lambda metadata, spec: None if has_user_namespace(spec) else judge(metadata, spec)


def _selinux(types: frozenset[str]) -> Judge:
    def judge(metadata: JSON, spec: JSON) -> Violation | None:
        holders = [(holder, security(holder, "seLinuxOptions") or {}) for holder in (spec, *containers(spec))]
        bad = [(holder, options) for holder, options in holders if _custom(options, types)]
        if not bad:
            return None
        wrong = sorted({str(dig(options, "type", "")) for _, options in bad} - types)
        data = [*([named("type", wrong)] if wrong else [])]
        data += [f"{name} may not be set" for name in ("user", "role") if any(dig(o, name) for _, o in bad)]
        who = setters(any(h is spec for h, _ in bad), names_of(h for h, _ in bad if h is not spec))
        return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")

    return judge


def _custom(options: object, types: frozenset[str]) -> bool:
    return dig(options, "type", "") not in types or bool(dig(options, "user")) or bool(dig(options, "role"))


def _seccomp_annotations(metadata: JSON, spec: JSON) -> Violation | None:
    bad = sorted(
        f"{key}={json.dumps(value)}"
        for key, value in (metadata.get("annotations") or {}).items()
        if (key == _SECCOMP_POD or key.startswith(_SECCOMP_CONTAINER)) and value == "unconfined"
    )
    return Violation("seccompProfile", f"forbidden {plurally('annotation', bad)} {', '.join(bad)}") if bad else None


def seccomp(metadata: JSON, spec: JSON) -> Violation | None:
    path = "seccompProfile.type"
    pod, bad = _unconfined(spec, path)
    if not pod and not bad:
        return None
    kinds = quoted(sorted({str(security(holder, path)) for holder in ([spec] * pod) + bad}))
    who = setters(pod, names_of(bad))
    return Violation("seccompProfile", f"{who} must not set securityContext.seccompProfile.type to {kinds}")


def _sysctls(allowed: frozenset[str]) -> Judge:
    def judge(metadata: JSON, spec: JSON) -> Violation | None:
        bad = names_of(s for s in each(spec, "securityContext.sysctls") if s.get("name") not in allowed)
        return Violation("forbidden sysctls", ", ".join(bad)) if bad else None

    return judge


def _host_process(metadata: JSON, spec: JSON) -> Violation | None:
    path = "windowsOptions.hostProcess"
    who = setters(bool(security(spec, path)), names_of(c for c in containers(spec) if security(c, path)))
    return (
        Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true") if who else None
    )


CHECKS: tuple[Check, ...] = (
    Check("appArmorProfile", "baseline", ((0, _apparmor),)),
    Check("capabilities_baseline", "baseline", ((0, _capabilities),)),
    Check("hostNamespaces", "baseline", ((0, _host_namespaces),)),
    Check("hostPathVolumes", "baseline", ((0, _host_paths),)),
    Check("hostPorts", "baseline", ((0, _host_ports),)),
    Check("hostProbesAndHostLifecycle", "baseline", ((34, _host_probes),)),
    Check("privileged", "baseline", ((0, _privileged),)),
    Check("procMount", "baseline", ((0, proc_mount), (35, unless_user_namespace(proc_mount)))),
    Check(
        "seLinuxOptions",
        "baseline",
        ((0, _selinux(_SELINUX_TYPES)), (31, _selinux(_SELINUX_TYPES | {"container_engine_t"}))),
    ),
    Check("seccompProfile_baseline", "baseline", ((0, _seccomp_annotations), (19, seccomp))),
    Check(
        "sysctls",
        "baseline",
        tuple(
            (since, _sysctls(allowed))
            for since, allowed in ((0, _SYSCTLS), (27, _SYSCTLS_27), (29, _SYSCTLS_29), (32, _SYSCTLS_32))
        ),
    ),
    Check("windowsHostProcess", "baseline", ((0, _host_process),)),
)
