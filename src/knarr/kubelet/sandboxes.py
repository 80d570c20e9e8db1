"""From a pod to its sandbox: namespaces, hostname, DNS, ports, cgroup, log directory."""

from __future__ import annotations

from pathlib import Path

from knarr.kubelet.cri.runtime import Namespaces, PortMapping, SandboxConfig, Seccomp, Security
from knarr.kubelet.dns import pod_dns, sandbox_hostname
from knarr.kubelet.objects import Pod
from knarr.kubelet.options import PodOptions
from knarr.kubelet.resources import containers_of
from knarr.kubelet.securitycontexts import SeccompProfile

POD_NAME, POD_NAMESPACE, POD_UID = "io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
NODE = "io.knarr.node"  # whose these are: a kubelet touches only what carries its own node's name


def pod_labels(pod: Pod, node: str) -> dict[str, str]:
    """By which sandboxes and containers are found again."""
    meta = pod.metadata
    return {POD_NAME: meta.name, POD_NAMESPACE: meta.namespace, POD_UID: meta.uid, NODE: node}


def log_directory(root: Path, namespace: str, name: str, uid: str) -> Path:
    return root / f"{namespace}_{name}_{uid}"


def pod_log_directory(pod: Pod, options: PodOptions) -> Path:
    return log_directory(options.log_root, pod.metadata.namespace, pod.metadata.name, pod.uid)


def namespaces(pod: Pod) -> Namespaces:
    spec = pod.spec
    return Namespaces(spec.host_network, spec.host_pid, spec.host_ipc, spec.share_process_namespace)


def seccomp(profile: SeccompProfile | None, root: Path) -> Seccomp:
    if profile is None or not profile.type:
        return Seccomp()
    path = str(root / "seccomp" / profile.localhost_profile) if profile.type == "Localhost" else ""
    return Seccomp(profile.type, path)


def host_ports(pod: Pod) -> tuple[PortMapping, ...]:
    """Only ports that the host is to forward; a pod on the host's network has them already."""
    if pod.spec.host_network:
        return ()
    return tuple(
        PortMapping(port.container_port, port.host_port, port.protocol, port.host_ip)
        for container in containers_of(pod)
        for port in container.ports
        if port.host_port
    )


def sandbox_security(pod: Pod, options: PodOptions) -> Security:
    context = pod.spec.security_context
    return Security(
        run_as_user=context.run_as_user,
        run_as_group=context.run_as_group if context.run_as_user is not None else None,
        supplemental_groups=supplemental_groups(pod),
        privileged=any(container.security_context.privileged for container in containers_of(pod)),
        seccomp=Seccomp("RuntimeDefault")
        if context.seccomp_profile is None
        else seccomp(context.seccomp_profile, options.root),
    )


def supplemental_groups(pod: Pod) -> tuple[int, ...]:
    context = pod.spec.security_context
    return (*context.supplemental_groups, *(() if context.fs_group is None else (context.fs_group,)))


def sandbox_config(pod: Pod, options: PodOptions, cgroup_parent: str, attempt: int) -> SandboxConfig:
    meta = pod.metadata
    return SandboxConfig(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        attempt=attempt,
        hostname=sandbox_hostname(pod, options.dns.domain),
        log_directory=str(pod_log_directory(pod, options)),
        dns=pod_dns(pod, options.dns),
        ports=host_ports(pod),
        labels=meta.labels | pod_labels(pod, options.node_name),
        cgroup_parent=cgroup_parent,
        namespaces=namespaces(pod),
        security=sandbox_security(pod, options),
        sysctls={sysctl.name: sysctl.value for sysctl in pod.spec.security_context.sysctls},
    )
