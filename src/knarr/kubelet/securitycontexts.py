"""How pods and their containers are to be guarded, as the kubelet reads it.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

from knarr.client.objects import View


class Capabilities(View, frozen=True):
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class SeccompProfile(View, frozen=True):
    type: str = ""
    localhost_profile: str = ""


class AppArmorProfile(View, frozen=True):
    type: str = ""
    localhost_profile: str = ""


class SecurityContext(View, frozen=True):
    """Of a container; what it leaves out, the pod's decides."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    capabilities: Capabilities = Capabilities()
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    proc_mount: str = "Default"


class Sysctl(View, frozen=True):
    name: str
    value: str


class PodSecurityContext(View, frozen=True):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[int, ...] = ()
    fs_group: int | None = None
    supplemental_groups_policy: str = "Merge"
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    sysctls: tuple[Sysctl, ...] = ()
