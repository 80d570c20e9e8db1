"""Pods that this node does not run, since they ask for a protection or a system that it does not have.

Better no pod than one that is less guarded than its owner believes. Reasons and messages are upstream's.
Sources: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/, .../tutorials/security/apparmor/,
.../concepts/workloads/pods/user-namespaces/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knarr.kubelet.interfaces import ConfigError
from knarr.kubelet.objects import Pod
from knarr.kubelet.securitycontexts import AppArmorProfile

SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced": "ipc",
    "net.ipv4.ip_local_port_range": "net",
    "net.ipv4.ip_local_reserved_ports": "net",
    "net.ipv4.ip_unprivileged_port_start": "net",
    "net.ipv4.ping_group_range": "net",
    "net.ipv4.tcp_fin_timeout": "net",
    "net.ipv4.tcp_keepalive_intvl": "net",
    "net.ipv4.tcp_keepalive_probes": "net",
    "net.ipv4.tcp_keepalive_time": "net",
    "net.ipv4.tcp_rmem": "net",
    "net.ipv4.tcp_syncookies": "net",
    "net.ipv4.tcp_wmem": "net",
}
APP_ARMOR = Path("/sys/module/apparmor/parameters/enabled")


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    message: str


def refusal(pod: Pod) -> Refusal | None:
    """Why the pod is failed before anything of it runs."""
    return next((found for check in CHECKS if (found := check(pod))), None)


def foreign_system(pod: Pod) -> Refusal | None:
    if pod.spec.os.name in ("", "linux"):
        return None
    return Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")


def forbidden_sysctl(pod: Pod) -> Refusal | None:
    """Those that are the node's own, or not known to be safe."""
    for sysctl in pod.spec.security_context.sysctls:
        name = sysctl.name.replace("/", ".")
        kind = SAFE_SYSCTLS.get(name)
        shared = {"net": pod.spec.host_network, "ipc": pod.spec.host_ipc}
        if kind is None:
            return Refusal("SysctlForbidden", f'forbidden sysctl: "{name}" not allowlisted')
        if shared[kind]:
            return Refusal("SysctlForbidden", f'forbidden sysctl: "{name}" not allowed with host {kind} enabled')
    return None


def app_armor(pod: Pod) -> Refusal | None:
    wanted = any(profile.type not in ("", "Unconfined") for profile in app_armor_profiles(pod))
    if not wanted or (APP_ARMOR.exists() and APP_ARMOR.read_text().startswith("Y")):
        return None
    return Refusal("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")


def app_armor_profiles(pod: Pod) -> Iterator[AppArmorProfile]:
    own = (container.security_context.app_armor_profile for container in pod.spec.all_containers)
    yield from filter(None, (pod.spec.security_context.app_armor_profile, *own))


def strict_groups(pod: Pod) -> Refusal | None:
    """Without the groups that the image gives its user: containerd 2.0's CRI has that first."""
    policy = pod.spec.security_context.supplemental_groups_policy
    if policy in ("", "Merge"):
        return None
    text = f"SupplementalGroupsPolicy={policy} is not supported in this node"
    return Refusal("SupplementalGroupsPolicyNotSupported", text)


def check_users(pod: Pod) -> None:
    """Raises ConfigError for a pod that wants users of its own: it waits without a sandbox, as upstream's does."""
    if pod.spec.host_users is False:
        raise ConfigError("can't set spec.hostUsers: false: this node does not support user namespaces")


CHECKS: tuple[Callable[[Pod], Refusal | None], ...] = (foreign_system, forbidden_sysctl, app_armor, strict_groups)
