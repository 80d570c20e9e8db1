"""What the proxy reads of the cluster: Services and the endpoints behind them."""

from __future__ import annotations

from msgspec import field

from knarr.client.objects import Object, View

SERVICE_NAME = "kubernetes.io/service-name"  # the label by which a slice names its Service
HEADLESS = "service.kubernetes.io/headless"  # the label of slices that have no cluster IP before them
PROXY_NAME = "service.kubernetes.io/service-proxy-name"  # the label of a Service that another proxy looks after


class ServicePort(View, frozen=True):
    name: str = ""
    protocol: str = "TCP"
    port: int = 0
    node_port: int = 0


class ClientIP(View, frozen=True):
    timeout_seconds: int = 10800


class AffinityConfig(View, frozen=True):
    client_ip: ClientIP | None = field(name="clientIP", default=None)


class ServiceSpec(View, frozen=True):
    type: str = "ClusterIP"
    cluster_ip: str = field(name="clusterIP", default="")
    cluster_ips: tuple[str, ...] = field(name="clusterIPs", default=())
    external_ips: tuple[str, ...] = field(name="externalIPs", default=())
    ports: tuple[ServicePort, ...] = ()
    session_affinity: str = "None"
    session_affinity_config: AffinityConfig | None = None
    internal_traffic_policy: str = "Cluster"
    external_traffic_policy: str = "Cluster"
    load_balancer_source_ranges: tuple[str, ...] = ()
    health_check_node_port: int = 0


class Ingress(View, frozen=True):
    ip: str = ""
    ip_mode: str = "VIP"


class LoadBalancer(View, frozen=True):
    ingress: tuple[Ingress, ...] = ()


class ServiceStatus(View, frozen=True):
    load_balancer: LoadBalancer = LoadBalancer()


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def proxied(self) -> bool:
        """Whether the Service has an address to forward from, and is left to us."""
        has_address = self.spec.type != "ExternalName" and self.spec.cluster_ip not in ("", "None")
        return has_address and PROXY_NAME not in self.metadata.labels

    @property
    def cluster_addresses(self) -> tuple[str, ...]:
        return self.spec.cluster_ips or (self.spec.cluster_ip,)

    @property
    def balancer_addresses(self) -> tuple[str, ...]:
        """The load balancer's addresses; one that works as a proxy of its own (ipMode, KEP-1860) is left alone."""
        if self.spec.type != "LoadBalancer":
            return ()
        return tuple(i.ip for i in self.status.load_balancer.ingress if i.ip and i.ip_mode == "VIP")

    @property
    def affinity_timeout(self) -> int:
        """Seconds for which a client stays with its endpoint; 0 without affinity."""
        if self.spec.session_affinity != "ClientIP":
            return 0
        config = self.spec.session_affinity_config
        return ((config and config.client_ip) or ClientIP()).timeout_seconds


class Conditions(View, frozen=True):
    """Unknown readiness counts as ready, unknown serving as readiness, unknown terminating as no (discovery/v1)."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(View, frozen=True):
    addresses: tuple[str, ...] = ()
    node_name: str = ""
    conditions: Conditions = Conditions()

    @property
    def ready(self) -> bool:
        return self.conditions.ready is not False

    @property
    def draining(self) -> bool:
        """Going away, but still able to answer."""
        serving = self.ready if self.conditions.serving is None else self.conditions.serving
        return serving and bool(self.conditions.terminating)


class EndpointPort(View, frozen=True):
    name: str | None = None
    protocol: str = "TCP"
    port: int | None = None


class EndpointSlice(Object, frozen=True):
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def service(self) -> str:
        """The key of the Service that the slice belongs to."""
        return f"{self.metadata.namespace}/{self.metadata.labels.get(SERVICE_NAME, '')}"
