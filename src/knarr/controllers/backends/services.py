"""Services as their backends see them: which Pods are selected, and at which ports these answer.

https://kubernetes.io/docs/concepts/services-networking/service/
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import field

from knarr.client.objects import Object, View
from knarr.client.resources import PODS, SERVICES
from knarr.controllers.backends.slices import Port, Reference
from knarr.controllers.objects import Container, Pod
from knarr.runtime.context import Context

HEADLESS = "service.kubernetes.io/headless"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


class ServicePort(View, frozen=True):
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    port: int = 0
    target_port: int | str = 0


class ServiceSpec(View, frozen=True):
    type: str = ""
    cluster_ip: str = field(default="", name="clusterIP")
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    ip_families: tuple[str, ...] = ("IPv4",)
    publish_not_ready_addresses: bool = False


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()

    @property
    def selects_pods(self) -> bool:
        """Whether its backends are Pods: otherwise others say what they are, or there are none."""
        return bool(self.spec.selector) and self.spec.type != "ExternalName"

    @property
    def headless(self) -> bool:
        return self.spec.cluster_ip == "None"

    def selects(self, pod: Pod) -> bool:
        return self.selects_pods and self.spec.selector.items() <= pod.metadata.labels.items()


def services_of(pod: Pod, context: Context) -> Iterable[str]:
    """For a `Watch` of Pods: the Services that it is behind."""
    services = context.cache(SERVICES, Service).list(pod.metadata.namespace)
    return [service.metadata.key for service in services if service.selects(pod)]


def pods_behind(service: Service, context: Context) -> list[Pod]:
    """The Pods that are there to answer, now or soon or for a while yet, by name."""
    pods = context.cache(PODS, Pod).list(service.metadata.namespace)
    return sorted((p for p in pods if service.selects(p) and _addressed(p)), key=lambda p: p.metadata.name)


def _addressed(pod: Pod) -> bool:
    return not pod.terminal and bool(pod.status.pod_ip or pod.status.pod_ips)


def address_of(pod: Pod, family: str) -> str | None:
    """The Pod's address of an IP family, None if it has none."""
    addresses = [each.ip for each in pod.status.pod_ips] or [pod.status.pod_ip]
    return next((address for address in addresses if family_of(address) == family), None)


def family_of(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def host_name(service: Service, pod: Pod) -> str | None:
    """The name by which DNS knows the Pod below its Service's."""
    return pod.spec.hostname if pod.spec.hostname and pod.spec.subdomain == service.metadata.name else None


def port_number(port: ServicePort, pod: Pod) -> int | None:
    """The port of the Pod that a Service's port leads to, None where the Pod has none of that name."""
    if isinstance(port.target_port, int):
        return port.target_port or port.port
    sidecars = (c for c in pod.spec.init_containers if c.restart_policy == "Always")
    return _named((*pod.spec.containers, *sidecars), port.target_port, port.protocol)


def ports_of(service: Service, pod: Pod) -> tuple[Port, ...]:
    """The Service's ports as this Pod has them; one whose name the Pod does not know is left out."""
    numbers = ((port, port_number(port, pod)) for port in service.spec.ports)
    return tuple(
        Port(name=p.name, protocol=p.protocol, port=number, app_protocol=p.app_protocol)
        for p, number in numbers
        if number is not None
    )


def inherited_labels(service: Service) -> dict[str, str]:
    """The labels that what describes a Service's backends takes from it: its own, and whether it is headless."""
    own = {name: value for name, value in service.metadata.labels.items() if name != HEADLESS}
    return {**own, HEADLESS: ""} if service.headless else own


def reference_to(pod: Pod) -> Reference:
    meta = pod.metadata
    return Reference(kind="Pod", namespace=meta.namespace, name=meta.name, uid=meta.uid)


def _named(containers: Iterable[Container], name: str, protocol: str) -> int | None:
    ports = (port for container in containers for port in container.ports)
    return next((p.container_port for p in ports if (p.name, p.protocol) == (name, protocol)), None)


def pod_matters(old: Pod, new: Pod) -> bool:
    """Whether a change of a Pod may change what is behind a Service."""
    return _backend(old) != _backend(new)


def _backend(pod: Pod) -> tuple[object, ...]:
    spec, status, meta = pod.spec, pod.status, pod.metadata
    where = (spec.node_name, spec.hostname, spec.subdomain, status.pod_ip, status.pod_ips)
    return (*where, pod.ready_since, pod.terminal, meta.deletion_timestamp, meta.labels)
