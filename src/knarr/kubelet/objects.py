"""Pods as the kubelet reads them: every field that decides what runs on this node.

Volumes are in volumes/'s care; here they are as published.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import field

from knarr.client.objects import JSON, Object, View
from knarr.kubelet.securitycontexts import PodSecurityContext, SecurityContext

RestartPolicy = Literal["Always", "OnFailure", "Never"]
IntOrString = int | str


class EnvVar(View, frozen=True):
    name: str
    value: str = ""
    value_from: JSON | None = None


class EnvFrom(View, frozen=True):
    prefix: str = ""
    config_map_ref: JSON | None = None
    secret_ref: JSON | None = None


class ContainerPort(View, frozen=True):
    container_port: int
    host_port: int = 0
    host_ip: str = field(default="", name="hostIP")
    name: str = ""
    protocol: str = "TCP"


class VolumeMount(View, frozen=True):
    name: str
    mount_path: str
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool = False
    mount_propagation: str = "None"
    recursive_read_only: str = "Disabled"


class VolumeDevice(View, frozen=True):
    name: str


class HTTPHeader(View, frozen=True):
    name: str
    value: str = ""


class ExecAction(View, frozen=True):
    command: tuple[str, ...] = ()


class HTTPGetAction(View, frozen=True):
    port: IntOrString
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPSocketAction(View, frozen=True):
    port: IntOrString
    host: str = ""


class GRPCAction(View, frozen=True):
    port: int
    service: str = ""


class SleepAction(View, frozen=True):
    seconds: int = 0


class Handler(View, frozen=True):
    """What a hook or a probe does: one of its fields is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None
    sleep: SleepAction | None = None


class Probe(Handler, frozen=True):
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class Lifecycle(View, frozen=True):
    post_start: Handler | None = None
    pre_stop: Handler | None = None


class Resources(View, frozen=True):
    requests: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)


class ExitCodes(View, frozen=True):
    """`operator` is In or NotIn."""

    operator: str
    values: tuple[int, ...] = ()


class RestartRule(View, frozen=True):
    """Its action is to restart the container, whatever else."""

    exit_codes: ExitCodes | None = None


class Container(View, frozen=True):
    """An app or init container.

    `restart_policy` is "" for the pod's; rules come before it (KEP-5307). An init container with "Always" is a sidecar
    (KEP-753).
    """

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: Resources = Resources()
    volume_mounts: tuple[VolumeMount, ...] = ()
    volume_devices: tuple[VolumeDevice, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle = Lifecycle()
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    image_pull_policy: str = "IfNotPresent"
    security_context: SecurityContext = SecurityContext()
    restart_policy: str = ""
    restart_policy_rules: tuple[RestartRule, ...] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class EphemeralContainer(Container, frozen=True):
    """Joins a pod that runs already, to look into it (KEP-277); by its target's name it sees that one's processes."""

    target_container_name: str = ""


class HostAlias(View, frozen=True):
    ip: str
    hostnames: tuple[str, ...] = ()


class DNSOption(View, frozen=True):
    name: str
    value: str | None = None


class DNSConfig(View, frozen=True):
    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[DNSOption, ...] = ()


class LocalReference(View, frozen=True):
    name: str = ""


class ReadinessGate(View, frozen=True):
    condition_type: str


class PodSpec(View, frozen=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[EphemeralContainer, ...] = ()
    volumes: tuple[JSON, ...] = ()
    restart_policy: RestartPolicy = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    dns_policy: str = "ClusterFirst"
    dns_config: DNSConfig = DNSConfig()
    node_name: str = ""
    service_account_name: str = ""
    host_network: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    host_ipc: bool = field(default=False, name="hostIPC")
    host_users: bool | None = None
    share_process_namespace: bool = False
    hostname: str = ""
    hostname_override: str = ""
    subdomain: str = ""
    set_hostname_as_fqdn: bool = field(default=False, name="setHostnameAsFQDN")
    host_aliases: tuple[HostAlias, ...] = ()
    security_context: PodSecurityContext = PodSecurityContext()
    image_pull_secrets: tuple[LocalReference, ...] = ()
    readiness_gates: tuple[ReadinessGate, ...] = ()
    enable_service_links: bool = True
    resources: Resources = Resources()
    runtime_class_name: str = ""
    os: LocalReference = LocalReference()
    overhead: dict[str, Any] = field(default_factory=dict)

    @property
    def all_containers(self) -> tuple[Container, ...]:
        return (*self.init_containers, *self.containers, *self.ephemeral_containers)


class PodStatus(View, frozen=True):
    """The published status: what the kubelet continues from after its own restart."""

    phase: str = "Pending"
    start_time: str | None = None
    conditions: tuple[JSON, ...] = ()
    container_statuses: tuple[JSON, ...] = ()
    init_container_statuses: tuple[JSON, ...] = ()
    ephemeral_container_statuses: tuple[JSON, ...] = ()
    reason: str = ""
    message: str = ""
    pod_ip: str = field(default="", name="podIP")
    qos_class: str = ""

    @property
    def all_statuses(self) -> tuple[JSON, ...]:
        """Of all containers."""
        return (*self.init_container_statuses, *self.container_statuses, *self.ephemeral_container_statuses)


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def uid(self) -> str:
        return self.metadata.uid
