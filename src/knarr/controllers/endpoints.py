"""Endpoints of Services that select Pods: what EndpointSlices say, in one object, for clients that know no slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from knarr.client.objects import Meta
from knarr.client.resources import ENDPOINTS, PODS, SERVICES
from knarr.controllers.backends.services import (
    TRIGGER_TIME,
    Service,
    address_of,
    host_name,
    inherited_labels,
    pod_matters,
    pods_behind,
    ports_of,
    reference_to,
    services_of,
)
from knarr.controllers.backends.slices import ENDPOINTS_MANAGED_BY, LEADER, Address, Endpoints, Port, changes
from knarr.controllers.backends.subsets import pack, truncate
from knarr.controllers.backends.triggers import TriggerTimes
from knarr.controllers.objects import Pod
from knarr.controllers.replacing import replace
from knarr.machinery.errors import AlreadyExists, APIError, Conflict, NotFound, is_terminating
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

NAME = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


async def reconcile(context: Context, key: str) -> None:
    """Make the Endpoints of the Service of this key say what is; they go with the Service."""
    service = context.cache(SERVICES, Service).get(key)
    if service is None:
        context.memory(TriggerTimes).forget(key)
        await _delete(context, key)
    elif service.selects_pods:
        await _keep(context, service)


async def _delete(context: Context, key: str) -> None:
    found = context.cache(ENDPOINTS, Endpoints).get(key)
    if found is None or LEADER in found.metadata.annotations:
        return
    try:
        await context.client.delete(ENDPOINTS, found.metadata.name, found.metadata.namespace, uid=found.metadata.uid)
    except (NotFound, Conflict):
        return


async def _keep(context: Context, service: Service) -> None:
    pods = [pod for pod in pods_behind(service, context) if _listed(service, pod)]
    wanted = endpoints_of(service, pods, context.memory(TriggerTimes).advance(service, pods))
    known = context.cache(ENDPOINTS, Endpoints).get(service.metadata.key)
    if known and _same(known, wanted):
        return
    try:
        await _write(context, known, wanted)
    except AlreadyExists:  # the cache lags; it will have them soon, and then the key comes again
        return
    except Conflict:
        raise
    except APIError as error:
        if is_terminating(error):
            return
        verb = "update" if known else "create"
        message = f"Failed to {verb} endpoints for service {service.metadata.key}: {error}"
        context.events.event(known or service, "Warning", f"FailedTo{verb.capitalize()}Endpoint", message)
        raise


def endpoints_of(service: Service, pods: Iterable[Pod], trigger: str = "") -> Endpoints:
    """The Endpoints as they should be."""
    subsets, over = truncate(pack(_answers(service, pods)))
    annotations = {OVER_CAPACITY: "truncated" if over else "", TRIGGER_TIME: trigger}
    meta = Meta(
        name=service.metadata.name,
        namespace=service.metadata.namespace,
        labels=labels_of(service),
        annotations={name: value for name, value in annotations.items() if value},
    )
    return Endpoints(metadata=meta, subsets=subsets)


def _listed(service: Service, pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is None or service.spec.publish_not_ready_addresses


def _answers(service: Service, pods: Iterable[Pod]) -> Iterator[tuple[Address, bool, Sequence[Port]]]:
    family = next(iter(service.spec.ip_families), "IPv4")
    for pod in pods:
        ip, ports = address_of(pod, family), ports_of(service, pod)
        if ip and (ports or (service.headless and not service.spec.ports)):
            yield _address(service, pod, ip), pod.ready or service.spec.publish_not_ready_addresses, ports


def _address(service: Service, pod: Pod, ip: str) -> Address:
    return Address(
        ip=ip,
        hostname=host_name(service, pod),
        node_name=pod.spec.node_name or None,
        target_ref=reference_to(pod),
    )


def _same(known: Endpoints, wanted: Endpoints) -> bool:
    """Whether nothing needs to be written; when it happened is not worth a write of its own."""
    over = [each.metadata.annotations.get(OVER_CAPACITY) for each in (known, wanted)]
    return known.subsets == wanted.subsets and known.metadata.labels == wanted.metadata.labels and over[0] == over[1]


def labels_of(service: Service) -> dict[str, str]:
    """The Service's own labels, and those that say what these Endpoints are."""
    return {**inherited_labels(service), ENDPOINTS_MANAGED_BY: NAME}


async def _write(context: Context, known: Endpoints | None, wanted: Endpoints) -> None:
    meta = wanted.metadata
    subsets = msgspec.to_builtins(wanted.subsets) or None
    if known is None:
        body = {"metadata": msgspec.to_builtins(meta), "subsets": subsets}
        await context.client.create(ENDPOINTS, body, meta.namespace)
    else:
        metadata = changes(known.metadata, meta.labels, {OVER_CAPACITY: None, TRIGGER_TIME: None, **meta.annotations})
        change = {"metadata": metadata, "subsets": subsets}
        await replace(context.client, ENDPOINTS, meta.name, change, meta.namespace)


def own_or_selected(found: Endpoints, context: Context) -> Iterable[str]:
    """The key of Endpoints that this controller made or should have made."""
    key = found.metadata.key
    service = context.cache(SERVICES, Service).get(key)
    ours = found.metadata.labels.get(ENDPOINTS_MANAGED_BY) == NAME if service is None else service.selects_pods
    return (key,) if ours else ()


CONTROLLER = Controller(
    name=NAME,
    queue="endpoint",
    source=NAME,
    watches=(
        Watch(SERVICES, Service),
        Watch(PODS, Pod, services_of, needs_context=True, matters=pod_matters),
        Watch(ENDPOINTS, Endpoints, own_or_selected, needs_context=True),
    ),
    reconcile=reconcile,
    workers=5,
    may={
        "endpoints": "create delete get update",
        "events": "create patch",
    },
)
