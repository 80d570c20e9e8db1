"""What DNS reads of the cluster: Services and the endpoints behind them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import field

from knarr.client.objects import Object, View

SERVICE_NAME = "kubernetes.io/service-name"  # the label by which a slice names its Service


class ServicePort(View, frozen=True):
    name: str = ""
    protocol: str = "TCP"
    port: int = 0


class ServiceSpec(View, frozen=True):
    type: str = "ClusterIP"
    cluster_ip: str = field(name="clusterIP", default="")
    cluster_ips: tuple[str, ...] = field(name="clusterIPs", default=())
    external_name: str = ""
    ports: tuple[ServicePort, ...] = ()
    publish_not_ready_addresses: bool = False


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()

    @property
    def headless(self) -> bool:
        return self.spec.cluster_ip == "None"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The cluster IPs; none for headless Services and external names."""
        addresses = self.spec.cluster_ips or (self.spec.cluster_ip,)
        return tuple(address for address in addresses if address not in ("", "None"))


class Conditions(View, frozen=True):
    ready: bool | None = None


class Endpoint(View, frozen=True):
    addresses: tuple[str, ...] = ()
    hostname: str = ""
    conditions: Conditions = Conditions()

    @property
    def ready(self) -> bool:
        return self.conditions.ready is not False  # unknown counts as ready (discovery/v1)

    @property
    def label(self) -> str:
        """The name below its Service's: the hostname, or the address with dashes."""
        return self.hostname or self.addresses[0].replace(".", "-").replace(":", "-")


class EndpointPort(View, frozen=True):
    name: str | None = None
    protocol: str = "TCP"
    port: int | None = None


class EndpointSlice(Object, frozen=True):
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def service(self) -> str:
        """The key of the Service that the slice belongs to."""
        return f"{self.metadata.namespace}/{self.metadata.labels.get(SERVICE_NAME, '')}"


def by_address(obj: Service | EndpointSlice) -> Iterable[str]:
    """The index for reverse look-ups."""
    if isinstance(obj, Service):
        return obj.addresses
    return [address for endpoint in obj.endpoints if endpoint.hostname for address in endpoint.addresses]
