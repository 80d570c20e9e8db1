"""From a pod's container to what the runtime is told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from knarr.kubelet.cri.runtime import BindMount, ContainerConfig, ContainerRecord, Image, Profile, Security
from knarr.kubelet.environment import expand, expand_all, references
from knarr.kubelet.interfaces import ConfigError, Mount, Volumes
from knarr.kubelet.objects import Container, Pod, VolumeMount
from knarr.kubelet.options import PodOptions
from knarr.kubelet.resources import container_limits
from knarr.kubelet.sandboxes import CONTAINER_NAME, namespaces, pod_labels, seccomp, supplemental_groups
from knarr.kubelet.securitycontexts import AppArmorProfile

HASH = "io.kubernetes.container.hash"
RESTARTS = "io.kubernetes.container.restartCount"
MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
Variables = Sequence[tuple[str, str]]


def definition_hash(container: Container) -> str:
    """Of what makes it another container when changed in place: its name and image."""
    return hashlib.sha256(f"{container.name}\0{container.image}".encode()).hexdigest()[:8]


def outdated(container: Container, record: ContainerRecord) -> bool:
    return record.annotations.get(HASH) != definition_hash(container)


def message_file(pod: Pod, container: Container, attempt: int, options: PodOptions) -> str:
    """Where the container's termination message is written on the host."""
    return str(options.pod_directory(pod.uid) / "containers" / container.name / str(attempt))


def security(pod: Pod, container: Container, image: Image, options: PodOptions) -> Security:
    """The container's own settings over the pod's. Raises ConfigError where it would be root and must not."""
    own, pods = container.security_context, pod.spec.security_context
    user = pods.run_as_user if own.run_as_user is None else own.run_as_user
    group = pods.run_as_group if own.run_as_group is None else own.run_as_group
    if pods.run_as_non_root if own.run_as_non_root is None else own.run_as_non_root:
        check_not_root(pod, container, user, image)
    privileged = own.privileged
    return Security(
        run_as_user=image.uid if user is None and group is not None else user,
        run_as_group=group,
        supplemental_groups=supplemental_groups(pod),
        privileged=privileged,
        read_only_root=own.read_only_root_filesystem,
        no_new_privileges=own.allow_privilege_escalation is False,
        add_capabilities=own.capabilities.add,
        drop_capabilities=own.capabilities.drop,
        seccomp=seccomp(None if privileged else own.seccomp_profile or pods.seccomp_profile, options.root),
        app_armor=app_armor(None if privileged else own.app_armor_profile or pods.app_armor_profile),
        unmasked_proc=own.proc_mount == "Unmasked",
    )


def app_armor(profile: AppArmorProfile | None) -> Profile | None:
    """The container's own, or what the runtime does by itself."""
    return Profile(profile.type, profile.localhost_profile) if profile else None


def check_not_root(pod: Pod, container: Container, user: int | None, image: Image) -> None:
    who = f'(pod: "{describe(pod)}", container: {container.name})'
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {who}")
    if user is None and image.username:
        text = f"image has non-numeric user ({image.username}), cannot verify user is non-root"
        raise ConfigError(f"container has runAsNonRoot and {text} {who}")
    if user is None and not image.uid:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {who}")


def describe(pod: Pod) -> str:
    """A pod as messages name it: name_namespace(uid)."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.uid})"


async def volume_mounts(
    pod: Pod, container: Container, volumes: Volumes, mounted: Mapping[str, Mount], variables: Variables
) -> list[BindMount]:
    """The container's volumeMounts; a volume that is not there is a ConfigError."""
    binds = []
    for index, wanted in enumerate(container.volume_mounts):
        if wanted.name not in mounted:
            raise ConfigError(f'cannot find volume "{wanted.name}" to mount into container "{container.name}"')
        volume = mounted[wanted.name]
        sub_path = wanted.sub_path or expand_fully(wanted.sub_path_expr, dict(variables))
        host_path = volume.host_path
        if sub_path:
            host_path = await volumes.subpath(pod, container.name, index, wanted.name, sub_path)
        check_recursion(wanted)
        read_only = wanted.read_only or volume.read_only
        binds.append(BindMount(absolute(wanted.mount_path), host_path, read_only, wanted.mount_propagation))
    return binds


def expand_fully(text: str, values: Mapping[str, str]) -> str:
    """Every variable must be known: an unknown one would name another directory. Raises ConfigError."""
    if missing := [f'"{name}"' for name in references(text) if name not in values]:
        raise ConfigError(f"missing value for {', '.join(missing)}")
    return expand(text, values)


def check_recursion(mount: VolumeMount) -> None:
    """What is mounted below stays as writable as it is: containerd 2.0's CRI can do better first (KEP-3857)."""
    if mount.recursive_read_only == "Enabled":
        text = "requested recursive read-only mode, but it is not supported by the runtime"
        raise ConfigError(f'failed to resolve recursive read-only mode: volume "{mount.name}" {text}')


def absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def container_config(
    pod: Pod,
    container: Container,
    options: PodOptions,
    *,
    image: Image,
    attempt: int,
    variables: Variables,
    mounts: Sequence[BindMount],
    target: str = "",
) -> ContainerConfig:
    """`target` is the ID of the container whose processes it is to see."""
    return ContainerConfig(
        name=container.name,
        image=image.id,
        user_image=container.image,
        attempt=attempt,
        command=tuple(expand_all(container.command, variables)),
        args=tuple(expand_all(container.args, variables)),
        working_dir=container.working_dir,
        environment=variables,
        mounts=mounts,
        labels=pod_labels(pod, options.node_name) | {CONTAINER_NAME: container.name},
        annotations={
            HASH: definition_hash(container),
            RESTARTS: str(attempt),
            MESSAGE_PATH: container.termination_message_path,
            MESSAGE_POLICY: container.termination_message_policy,
        },
        log_path=f"{container.name}/{attempt}.log",
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
        limits=container_limits(pod, container, options.node_memory),
        security=security(pod, container, image, options),
        namespaces=replace(namespaces(pod), target=target),
    )
