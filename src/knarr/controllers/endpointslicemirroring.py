"""Endpoints made by hand, for Services without a selector, mirrored into EndpointSlices: proxies read nothing else."""

from __future__ import annotations

from collections import defaultdict

from knarr.client.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from knarr.controllers.backends.planning import Group, plan
from knarr.controllers.backends.services import TRIGGER_TIME, Service, family_of
from knarr.controllers.backends.slices import (
    BY_SERVICE,
    ENDPOINTS_MANAGED_BY,
    LEADER,
    MANAGED_BY,
    SERVICE_NAME,
    Address,
    Conditions,
    Endpoint,
    Endpoints,
    EndpointSlice,
    by_service,
    managed_by,
)
from knarr.controllers.backends.writing import Cover, carry_out, delete, observe, of_owner
from knarr.machinery.errors import APIError, Conflict
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

NAME = "endpointslice-mirroring-controller"
MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
PER_SUBSET = 1000  # addresses mirrored


async def reconcile(context: Context, key: str) -> None:
    """Make the mirror of the Endpoints of this key true, or take it away."""
    endpoints = context.cache(ENDPOINTS, Endpoints).get(key)
    if endpoints is None or not _wanted(endpoints, context.cache(SERVICES, Service).get(key)):
        context.expectations.forget(key)
        for found in context.cache(ENDPOINT_SLICES, EndpointSlice).by_index(BY_SERVICE, f"{MANAGER}/{key}"):
            await delete(context, found)
    elif context.expectations.satisfied(key):
        await _mirror(context, endpoints)


def _wanted(endpoints: Endpoints, service: Service | None) -> bool:
    """Whether they are somebody's own, for a Service that leaves it to somebody."""
    meta = endpoints.metadata
    skipped = meta.labels.get(SKIP) == "true" or ENDPOINTS_MANAGED_BY in meta.labels or LEADER in meta.annotations
    return service is not None and not service.spec.selector and not skipped


async def _mirror(context: Context, endpoints: Endpoints) -> None:
    mine = await of_owner(context, MANAGER, endpoints)
    try:
        await carry_out(context, plan(mine, mirrored(endpoints)), _cover(endpoints))
    except APIError as error:
        if not isinstance(error, Conflict):
            message = f"Error updating EndpointSlices for {endpoints.metadata.key} Endpoints: {error}"
            context.events.event(endpoints, "Warning", "FailedToUpdateEndpointSlices", message)
        raise


def mirrored(endpoints: Endpoints) -> dict[Group, list[Endpoint]]:
    """The endpoints by address family and ports."""
    groups: dict[Group, dict[tuple[object, ...], Endpoint]] = defaultdict(dict)
    for subset in endpoints.subsets:
        both = [(a, True) for a in subset.addresses] + [(a, False) for a in subset.not_ready_addresses]
        for address, ready in both[:PER_SUBSET]:
            endpoint = _endpoint(address, ready)
            groups[Group(family_of(address.ip), subset.ports)].setdefault(endpoint.identity, endpoint)
    return {group: list(found.values()) for group, found in groups.items()}


def _endpoint(address: Address, ready: bool) -> Endpoint:
    return Endpoint(
        addresses=(address.ip,),
        conditions=Conditions(ready=ready),
        hostname=address.hostname,
        node_name=address.node_name,
        target_ref=address.target_ref,
    )


def _cover(endpoints: Endpoints) -> Cover:
    meta = endpoints.metadata
    labels = {**meta.labels, SERVICE_NAME: meta.name, MANAGED_BY: MANAGER}
    annotations = {k: v for k, v in meta.annotations.items() if k not in (TRIGGER_TIME, LAST_APPLIED)}
    trigger = meta.annotations.get(TRIGGER_TIME, "")
    return Cover(endpoints, ENDPOINTS, labels, trigger, annotations)


CONTROLLER = Controller(
    name=NAME,
    queue="endpoint_slice_mirroring",
    source="endpoint-slice-mirroring-controller",
    watches=(
        Watch(ENDPOINTS, Endpoints),
        Watch(SERVICES, Service),
        Watch(
            ENDPOINT_SLICES,
            EndpointSlice,
            managed_by(MANAGER),
            observe=observe(MANAGER),
            indexes={BY_SERVICE: by_service},
        ),
    ),
    reconcile=reconcile,
    account="endpointslicemirroring-controller",
    workers=5,
    may={
        "endpoints/finalizers": "update",
        "endpointslices.discovery.k8s.io": "create delete get update",
        "events": "create patch",
    },
)
