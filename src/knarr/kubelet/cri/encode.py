"""From the kubelet's values to CRI messages."""

from __future__ import annotations

from knarr.kubelet.cri.messages import cri
from knarr.kubelet.cri.runtime import (
    BindMount,
    ContainerConfig,
    Credentials,
    Limits,
    Namespaces,
    Profile,
    SandboxConfig,
    Seccomp,
    Security,
)

PROPAGATION = {
    "None": cri.PROPAGATION_PRIVATE,
    "HostToContainer": cri.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": cri.PROPAGATION_BIDIRECTIONAL,
}
PROFILES = {
    "RuntimeDefault": cri.SecurityProfile.RuntimeDefault,
    "Unconfined": cri.SecurityProfile.Unconfined,
    "Localhost": cri.SecurityProfile.Localhost,
}
PROTOCOLS = {"TCP": cri.TCP, "UDP": cri.UDP, "SCTP": cri.SCTP}
MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
)
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def namespaces(wanted: Namespaces) -> cri.NamespaceOption:
    own = cri.TARGET if wanted.target else cri.CONTAINER
    pid = cri.NODE if wanted.host_pid else cri.POD if wanted.share_pid else own
    return cri.NamespaceOption(
        network=cri.NODE if wanted.host_network else cri.POD,
        pid=pid,
        target_id=wanted.target if pid == cri.TARGET else "",
        ipc=cri.NODE if wanted.host_ipc else cri.POD,
    )


def seccomp(profile: Seccomp) -> cri.SecurityProfile:
    return cri.SecurityProfile(profile_type=PROFILES[profile.type], localhost_ref=profile.path)


def app_armor(profile: Profile | None) -> cri.SecurityProfile | None:
    if profile is None:
        return None
    return cri.SecurityProfile(profile_type=PROFILES[profile.type], localhost_ref=profile.name)


def optional(number: int | None) -> cri.Int64Value | None:
    return None if number is None else cri.Int64Value(value=number)


def sandbox_config(config: SandboxConfig) -> cri.PodSandboxConfig:
    return cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(
            name=config.name, namespace=config.namespace, uid=config.uid, attempt=config.attempt
        ),
        hostname=config.hostname,
        log_directory=config.log_directory,
        dns_config=cri.DNSConfig(servers=config.dns.servers, searches=config.dns.searches, options=config.dns.options)
        if config.dns
        else None,
        port_mappings=[
            cri.PortMapping(
                protocol=PROTOCOLS[port.protocol],
                container_port=port.container_port,
                host_port=port.host_port,
                host_ip=port.host_ip,
            )
            for port in config.ports
        ],
        labels=config.labels,
        annotations=config.annotations,
        linux=cri.LinuxPodSandboxConfig(
            cgroup_parent=config.cgroup_parent,
            sysctls=config.sysctls,
            security_context=sandbox_security(config.security, config.namespaces),
        ),
    )


def sandbox_security(security: Security, shared: Namespaces) -> cri.LinuxSandboxSecurityContext:
    return cri.LinuxSandboxSecurityContext(
        namespace_options=namespaces(shared),
        run_as_user=optional(security.run_as_user),
        run_as_group=optional(security.run_as_group),
        supplemental_groups=security.supplemental_groups,
        privileged=security.privileged,
        readonly_rootfs=security.read_only_root,
        seccomp=seccomp(security.seccomp),
    )


def container_config(config: ContainerConfig) -> cri.ContainerConfig:
    return cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name=config.name, attempt=config.attempt),
        image=cri.ImageSpec(image=config.image),
        command=config.command,
        args=config.args,
        working_dir=config.working_dir,
        envs=[cri.KeyValue(key=name, value=value) for name, value in config.environment],
        mounts=[bind_mount(mount) for mount in config.mounts],
        labels=config.labels,
        annotations=config.annotations,
        log_path=config.log_path,
        stdin=config.stdin,
        stdin_once=config.stdin_once,
        tty=config.tty,
        linux=cri.LinuxContainerConfig(
            resources=resources(config.limits), security_context=container_security(config.security, config.namespaces)
        ),
    )


def bind_mount(mount: BindMount) -> cri.Mount:
    return cri.Mount(
        container_path=mount.container_path,
        host_path=mount.host_path,
        readonly=mount.read_only,
        propagation=PROPAGATION[mount.propagation],
    )


def resources(limits: Limits) -> cri.LinuxContainerResources:
    return cri.LinuxContainerResources(
        cpu_shares=limits.cpu_shares,
        cpu_quota=limits.cpu_quota,
        cpu_period=limits.cpu_period,
        memory_limit_in_bytes=limits.memory,
        oom_score_adj=limits.oom_score_adj,
        cpuset_cpus=limits.cpuset,
    )


def container_security(security: Security, shared: Namespaces) -> cri.LinuxContainerSecurityContext:
    masked = not (security.privileged or security.unmasked_proc)
    return cri.LinuxContainerSecurityContext(
        namespace_options=namespaces(shared),
        capabilities=cri.Capability(
            add_capabilities=security.add_capabilities, drop_capabilities=security.drop_capabilities
        ),
        run_as_user=optional(security.run_as_user),
        run_as_group=optional(security.run_as_group),
        supplemental_groups=security.supplemental_groups,
        privileged=security.privileged,
        readonly_rootfs=security.read_only_root,
        no_new_privs=security.no_new_privileges,
        seccomp=seccomp(security.seccomp),
        apparmor=app_armor(security.app_armor),
        masked_paths=MASKED_PATHS if masked else (),
        readonly_paths=READ_ONLY_PATHS if masked else (),
    )


def credentials(wanted: Credentials | None) -> cri.AuthConfig | None:
    if wanted is None:
        return None
    return cri.AuthConfig(
        username=wanted.username,
        password=wanted.password,
        server_address=wanted.server,
        identity_token=wanted.identity_token,
        auth=wanted.auth,
    )
