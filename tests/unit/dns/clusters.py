"""A cluster for DNS tests: some Services and endpoints in dictionaries."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import Meta
from knarr.dns.objects import (
    SERVICE_NAME,
    Conditions,
    Endpoint,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
    ServiceSpec,
    by_address,
)


class FakeCluster:
    def __init__(self, *objects: Service | EndpointSlice) -> None:
        self.all_services = [o for o in objects if isinstance(o, Service)]
        self.all_slices = [o for o in objects if isinstance(o, EndpointSlice)]

    def service(self, namespace: str, name: str) -> Service | None:
        return next((s for s in self.all_services if s.metadata.key == f"{namespace}/{name}"), None)

    def slices(self, service: Service) -> Iterable[EndpointSlice]:
        return [s for s in self.all_slices if s.service == service.metadata.key]

    def services_at(self, address: str) -> Iterable[Service]:
        return [s for s in self.all_services if address in by_address(s)]

    def slices_at(self, address: str) -> Iterable[EndpointSlice]:
        return [s for s in self.all_slices if address in by_address(s)]

    def has_namespace(self, namespace: str) -> bool:
        return namespace in {o.metadata.namespace for o in (*self.all_services, *self.all_slices)}


def service(name: str, cluster_ip: str = "", *, external: str = "", early: bool = False, **ports: int) -> Service:
    """A Service in `default`; ports as `web=80`, TCP all."""
    return Service(
        metadata=Meta(name=name, namespace="default"),
        spec=ServiceSpec(
            type="ExternalName" if external else "ClusterIP",
            cluster_ip=cluster_ip,
            external_name=external,
            publish_not_ready_addresses=early,
            ports=tuple(ServicePort(name=n, port=p) for n, p in ports.items()),
        ),
    )


def endpoint(address: str, hostname: str = "", *, ready: bool = True) -> Endpoint:
    return Endpoint(addresses=(address,), hostname=hostname, conditions=Conditions(ready=ready))


def endpoint_slice(service: str, *endpoints: Endpoint, **ports: int) -> EndpointSlice:
    return EndpointSlice(
        metadata=Meta(name=f"{service}-1", namespace="default", labels={SERVICE_NAME: service}),
        endpoints=endpoints,
        ports=tuple(EndpointPort(name=n, port=p) for n, p in ports.items()),
    )


CLUSTER = FakeCluster(
    service("web", "10.96.0.7", http=80),
    service("db", "None", sql=5432),
    endpoint_slice("db", endpoint("10.244.0.5", "db-0"), endpoint("10.244.0.6"), sql=5432),
    service("empty", "None"),
    service("starting", "None"),
    endpoint_slice("starting", endpoint("10.244.0.8", ready=False)),
    service("early", "None", early=True),
    endpoint_slice("early", endpoint("10.244.0.9", ready=False)),
    service("elsewhere", external="my.database.example.com"),
    service("literal", external="192.0.2.9"),
)
