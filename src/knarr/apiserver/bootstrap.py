"""What a cluster has from its first moment: four namespaces, and the Service through which Pods reach this API server.

Kept right while the server runs: it follows the objects' keys in the watch cache and puts back what somebody took or
changed.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence

import orjson

from knarr.api.kind import JSON
from knarr.apiserver.effects import cluster_ips
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, key_of
from knarr.machinery.errors import APIError
from knarr.machinery.times import format_time
from knarr.storage.cache import Change
from knarr.storage.store import StoreError, Write

log = logging.getLogger(__name__)

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
SERVICE = "kubernetes"
RETRY_SECONDS = 1.0
_PORT_NAME, _SERVICE_PORT = "https", 443


async def ensure(registry: Registry) -> None:
    """Create what is missing and mend what is wrong, once. Raises StoreError."""
    for name in NAMESPACES:
        await _put(registry, "", "namespaces", "", _namespace(name))
    await _put_service(registry)
    await _put(registry, "", "endpoints", "default", _endpoints(registry), same=_same_subsets)
    await _put(registry, "discovery.k8s.io", "endpointslices", "default", _slice(registry), same=_same_endpoints)


async def run(registry: Registry) -> None:
    """Keep it so until cancelled: look again whenever one of the objects has changed."""
    changed = asyncio.Event()
    changed.set()
    watched = [*(_key(registry, "", "namespaces", "", name) for name in NAMESPACES), *_service_keys(registry)]

    def notice(changes: Sequence[Change]) -> None:
        changed.set()

    subscriptions = [registry.cache.subscribe(key, registry.cache.revision, notice, changed.set) for key in watched]
    try:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await ensure(registry)
            except (APIError, StoreError) as error:
                log.warning("the cluster's own objects cannot be kept: %s", error)
                await registry.clock.sleep(RETRY_SECONDS)
                changed.set()
    finally:
        for subscription in subscriptions:
            subscription.close()


def service_ip(registry: Registry) -> str:
    """The first address of the service range is the API server's."""
    return str(registry.options.service_cidr[1])


def _service_keys(registry: Registry) -> list[str]:
    return [
        _key(registry, group, plural, "default", SERVICE)
        for group, plural in (("", "services"), ("", "endpoints"), ("discovery.k8s.io", "endpointslices"))
        if registry.find(group, plural)
    ]


def _key(registry: Registry, group: str, plural: str, namespace: str, name: str) -> str:
    kind = registry.find(group, plural)
    if kind is None:
        raise LookupError(f"{plural}.{group} is not served")
    return key_of(kind, namespace, name)


async def _put(
    registry: Registry,
    group: str,
    plural: str,
    namespace: str,
    wanted: JSON,
    *,
    same: Callable[[JSON, JSON], bool] = lambda found, wanted: True,
) -> None:
    """Create the object, or give the one that is there the wanted contents where they are not the `same`."""
    if registry.find(group, plural) is None:
        return
    key = _key(registry, group, plural, namespace, wanted["metadata"]["name"])
    entry = registry.cache.get(key)
    if entry is None:
        await registry.commit([Write(key, to_stored(_born(registry, wanted)), expected=0)])
        return
    found = orjson.loads(entry.value)
    if not same(found, wanted):
        mended = {**wanted, "metadata": {**found["metadata"], "labels": wanted["metadata"].get("labels", {})}}
        await registry.commit([Write(key, to_stored(mended), expected=entry.revision)])


async def _put_service(registry: Registry) -> None:
    """The Service is created with its address; one that exists keeps what its users changed."""
    key = _key(registry, "", "services", "default", SERVICE)
    if registry.cache.get(key) is None:
        service = _born(registry, _service(registry))
        extra = cluster_ips.plan(registry, service, None)
        await registry.commit([Write(key, to_stored(service), expected=0), *extra])


def _born(registry: Registry, tree: JSON) -> JSON:
    birth = {"uid": str(uuid.uuid4()), "creationTimestamp": format_time(registry.clock.now())}
    return {**tree, "metadata": {**tree["metadata"], **birth}}


def _namespace(name: str) -> JSON:
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _metadata(**labels: str) -> JSON:
    return {"name": SERVICE, "namespace": "default", "labels": labels}


def _service(registry: Registry) -> JSON:
    address = service_ip(registry)
    port = {
        "name": _PORT_NAME,
        "protocol": "TCP",
        "port": _SERVICE_PORT,
        "targetPort": registry.options.advertise_port,
    }
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": _metadata(component="apiserver", provider="kubernetes"),
        "spec": {
            "ports": [port],
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def _endpoints(registry: Registry) -> JSON:
    options = registry.options
    port = {"name": _PORT_NAME, "port": options.advertise_port, "protocol": "TCP"}
    return {
        "kind": "Endpoints",
        "apiVersion": "v1",
        "metadata": _metadata(**{"endpointslice.kubernetes.io/skip-mirror": "true"}),
        "subsets": [{"addresses": [{"ip": options.advertise_address}], "ports": [port]}],
    }


def _slice(registry: Registry) -> JSON:
    options = registry.options
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": _metadata(**{"kubernetes.io/service-name": SERVICE}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [options.advertise_address], "conditions": {"ready": True}}],
        "ports": [{"name": _PORT_NAME, "port": options.advertise_port, "protocol": "TCP"}],
    }


def _same_subsets(found: JSON, wanted: JSON) -> bool:
    return bool(found.get("subsets") == wanted["subsets"])


def _same_endpoints(found: JSON, wanted: JSON) -> bool:
    return all(found.get(part) == wanted[part] for part in ("addressType", "endpoints", "ports"))
