"""The DNS component: caches, sockets, and the Service under which the cluster finds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from knarr.client.client import Client
from knarr.client.objects import JSON, Object
from knarr.client.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES, Resource
from knarr.dns.answering import Answerer, Datagrams, serve_stream
from knarr.dns.forwarding import Resolvers
from knarr.dns.objects import SERVICE_NAME, EndpointSlice, Service, by_address
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, NotFound
from knarr.runtime.backoff import Backoff
from knarr.runtime.informer import Informer

log = logging.getLogger(__name__)

NAMESPACE, SERVICE = "kube-system", "kube-dns"
PORT = 53  # of the Service; where this DNS itself listens is an option
BY_ADDRESS, BY_SERVICE = "address", "service"


@dataclass(frozen=True, slots=True)
class Options:
    """Where this DNS listens, under which name its node is known, and what the cluster calls itself."""

    address: str
    port: int
    node: str
    service_ip: str
    zone: str = "cluster.local"


class CachedCluster:
    """records.Cluster over informers."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.services = Informer(client, SERVICES, Service, indexes={BY_ADDRESS: by_address}, clock=clock)
        self.endpoints = Informer(
            client,
            ENDPOINT_SLICES,
            EndpointSlice,
            indexes={BY_ADDRESS: by_address, BY_SERVICE: lambda piece: (piece.service,)},
            clock=clock,
        )
        self.namespaces = Informer(client, NAMESPACES, Object, clock=clock)

    @property
    def informers(self) -> tuple[Informer[Service], Informer[EndpointSlice], Informer[Object]]:
        return self.services, self.endpoints, self.namespaces

    def service(self, namespace: str, name: str) -> Service | None:
        return self.services.get(f"{namespace}/{name}")

    def slices(self, service: Service) -> Iterable[EndpointSlice]:
        return self.endpoints.by_index(BY_SERVICE, service.metadata.key)

    def services_at(self, address: str) -> Iterable[Service]:
        return self.services.by_index(BY_ADDRESS, address)

    def slices_at(self, address: str) -> Iterable[EndpointSlice]:
        return self.endpoints.by_index(BY_ADDRESS, address)

    def has_namespace(self, namespace: str) -> bool:
        return self.namespaces.get(namespace) is not None


async def run(client: Client, clock: Clock, options: Options) -> None:
    """Serve until cancelled. Raises OSError where the address is taken."""
    cluster = CachedCluster(client, clock)
    answerer = Answerer(cluster, options.zone, Resolvers({options.service_ip}))
    loop = asyncio.get_running_loop()
    listener = await asyncio.start_server(lambda r, w: serve_stream(answerer, r, w), options.address, options.port)
    datagrams, _ = await loop.create_datagram_endpoint(
        lambda: Datagrams(answerer), local_addr=(options.address, options.port)
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            for informer in cluster.informers:
                tasks.create_task(informer.run())
            tasks.create_task(publish(client, clock, options))
            for informer in cluster.informers:
                await informer.wait_synced()
            answerer.ready = True
    finally:
        datagrams.close()
        listener.close()


async def publish(client: Client, clock: Clock, options: Options) -> None:
    """See to it that the Service and this node's endpoint exist; returns when they do."""
    backoff = Backoff()
    while True:
        try:
            await _ensure(client, SERVICES, service(options))
            await _ensure(client, ENDPOINT_SLICES, endpoint_slice(options))
        except (APIError, ConnectionError, TimeoutError) as error:
            log.warning("the DNS Service cannot be published yet: %s", error)
            await clock.sleep(backoff.next())
        else:
            return


async def _ensure(client: Client, resource: Resource, wanted: JSON) -> None:
    """Patch what is there, or create: an address that a Service holds cannot be asked for again, even by itself."""
    try:
        await client.patch(resource, wanted["metadata"]["name"], wanted, NAMESPACE)
    except NotFound:
        await client.create(resource, wanted, NAMESPACE)


def service(options: Options) -> JSON:
    """The Service, by the name and labels that upstream's installers give it; its endpoints are given by hand."""
    labels = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": options.service_ip,
            "ports": [
                {"name": "dns", "port": PORT, "protocol": "UDP", "targetPort": options.port},
                {"name": "dns-tcp", "port": PORT, "protocol": "TCP", "targetPort": options.port},
            ],
        },
    }


def endpoint_slice(options: Options) -> JSON:
    """The slice that gives the Service this node's DNS as an endpoint."""
    labels = {SERVICE_NAME: SERVICE, "endpointslice.kubernetes.io/managed-by": "knarr-dns", "k8s-app": "kube-dns"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{SERVICE}-{options.node}", "namespace": NAMESPACE, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [options.address],
                "nodeName": options.node,
                "conditions": {"ready": True, "serving": True, "terminating": False},
            }
        ],
        "ports": [
            {"name": "dns", "port": options.port, "protocol": "UDP"},
            {"name": "dns-tcp", "port": options.port, "protocol": "TCP"},
        ],
    }
