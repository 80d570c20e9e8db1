"""EndpointSlices of Services that select Pods: who answers, at which address and ports, and in what state.

A Pod on its way out stays listed, as terminating, and as serving while it is ready, so that proxies can finish what
has begun (KEP-1672).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from knarr.client.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from knarr.controllers.backends.planning import Group, plan
from knarr.controllers.backends.services import (
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
from knarr.controllers.backends.slices import (
    BY_SERVICE,
    MANAGED_BY,
    SERVICE_NAME,
    Conditions,
    Endpoint,
    EndpointSlice,
    by_service,
    managed_by,
)
from knarr.controllers.backends.triggers import TriggerTimes
from knarr.controllers.backends.writing import Cover, carry_out, observe, of_owner
from knarr.controllers.nodes import BY_NODE, Node, by_node
from knarr.controllers.objects import Pod
from knarr.machinery.errors import APIError, Conflict
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

NAME = "endpointslice-controller"
MANAGER = "endpointslice-controller.k8s.io"


async def reconcile(context: Context, key: str) -> None:
    """Make the slices of the Service of this key say what is."""
    service = context.cache(SERVICES, Service).get(key)
    if service is None:
        context.expectations.forget(key)
        context.memory(TriggerTimes).forget(key)
    elif service.selects_pods and context.expectations.satisfied(key):
        try:
            await _keep(context, service)
        except APIError as error:
            if not isinstance(error, Conflict):
                message = f"Error updating Endpoint Slices for Service {key}: {error}"
                context.events.event(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise


async def _keep(context: Context, service: Service) -> None:
    pods = [pod for pod in pods_behind(service, context) if _placed(context, service, pod)]
    zones = {node.metadata.name: node.zone for node in context.cache(NODES, Node).list()}
    trigger = context.memory(TriggerTimes).advance(service, pods)
    packed = plan(await of_owner(context, MANAGER, service), desired(service, pods, zones), service.spec.ip_families)
    await carry_out(context, packed, Cover(service, SERVICES, labels_of(service), trigger))


def _placed(context: Context, service: Service, pod: Pod) -> bool:
    """A Pod of a node that is gone is as good as gone, unless its Service wants all addresses told."""
    known = context.cache(NODES, Node).get(pod.spec.node_name)
    return known is not None or not pod.spec.node_name or service.spec.publish_not_ready_addresses


def desired(service: Service, pods: Iterable[Pod], zones: dict[str, str | None]) -> dict[Group, list[Endpoint]]:
    """The endpoints by address family and ports: names of ports may mean different numbers in different Pods."""
    groups: dict[Group, list[Endpoint]] = defaultdict(list)
    for pod in pods:
        for family in service.spec.ip_families:
            if address := address_of(pod, family):
                endpoint = _endpoint(service, pod, address, zones.get(pod.spec.node_name))
                groups[Group(family, ports_of(service, pod))].append(endpoint)
    return dict(groups)


def _endpoint(service: Service, pod: Pod, address: str, zone: str | None) -> Endpoint:
    terminating = pod.metadata.deletion_timestamp is not None
    ready = service.spec.publish_not_ready_addresses or (pod.ready and not terminating)
    return Endpoint(
        addresses=(address,),
        conditions=Conditions(ready=ready, serving=pod.ready, terminating=terminating),
        hostname=host_name(service, pod),
        node_name=pod.spec.node_name or None,
        target_ref=reference_to(pod),
        zone=zone,
    )


def labels_of(service: Service) -> dict[str, str]:
    """The Service's own labels, and those by which slices are found."""
    return {**inherited_labels(service), SERVICE_NAME: service.metadata.name, MANAGED_BY: MANAGER}


def services_on(node: Node, context: Context) -> Iterable[str]:
    """The Services behind which there are Pods of the node."""
    pods = context.cache(PODS, Pod).by_index(BY_NODE, node.metadata.name)
    return {key for pod in pods for key in services_of(pod, context)}


CONTROLLER = Controller(
    name=NAME,
    queue="endpoint_slice",
    source="endpoint-slice-controller",
    watches=(
        Watch(SERVICES, Service),
        Watch(PODS, Pod, services_of, needs_context=True, matters=pod_matters, indexes={BY_NODE: by_node}),
        Watch(
            ENDPOINT_SLICES,
            EndpointSlice,
            managed_by(MANAGER),
            observe=observe(MANAGER),
            indexes={BY_SERVICE: by_service},
        ),
        Watch(NODES, Node, services_on, needs_context=True, matters=lambda old, new: bool(old.zone != new.zone)),
    ),
    reconcile=reconcile,
    workers=5,
    may={
        "services/finalizers": "update",
        "endpointslices.discovery.k8s.io": "create delete get update",
        "events": "create patch",
    },
)
