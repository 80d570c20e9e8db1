"""EndpointSlices and Endpoints, as the controllers that keep them read and write them.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from knarr.client.objects import JSON, Meta, Object, View

BY_SERVICE = "service"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
LEADER = "control-plane.alpha.kubernetes.io/leader"  # on Endpoints that are no addresses, but an election


class Reference(View, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    resource_version: str = ""
    field_path: str = ""


class Port(View, frozen=True):
    """A port of backends; what is left out on the wire is what the server fills in."""

    name: str = ""
    protocol: str = "TCP"
    port: int | None = None
    app_protocol: str | None = None


class Conditions(View, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(View, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: Conditions = Conditions()
    hostname: str | None = None
    node_name: str | None = None
    target_ref: Reference | None = None
    zone: str | None = None

    @property
    def identity(self) -> tuple[tuple[str, ...], str]:
        """What makes it the same backend, whatever its state."""
        return self.addresses, self.target_ref.uid if self.target_ref else ""


class EndpointSlice(Object, frozen=True):
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()


class Address(View, frozen=True):
    """An address in an Endpoints object."""

    ip: str = ""
    hostname: str | None = None
    node_name: str | None = None
    target_ref: Reference | None = None


class Subset(View, frozen=True):
    """Addresses that answer at the same ports."""

    addresses: tuple[Address, ...] = ()
    not_ready_addresses: tuple[Address, ...] = ()
    ports: tuple[Port, ...] = ()


class Endpoints(Object, frozen=True):
    subsets: tuple[Subset, ...] = ()


def by_service(found: EndpointSlice) -> Iterable[str]:
    """The index BY_SERVICE: the manager and the Service (`<manager>/<namespace>/<name>`)."""
    labels = found.metadata.labels
    if SERVICE_NAME in labels:
        yield f"{labels.get(MANAGED_BY, '')}/{found.metadata.namespace}/{labels[SERVICE_NAME]}"


def managed_by(manager: str) -> Callable[[EndpointSlice], Iterable[str]]:
    """For a `Watch` of slices: the name in the label, which is the owner's, of those that the manager keeps."""

    def keys(found: EndpointSlice) -> Iterable[str]:
        return [indexed.partition("/")[2] for indexed in by_service(found) if indexed.startswith(f"{manager}/")]

    return keys


def changes(known: Meta, labels: Mapping[str, str], annotations: Mapping[str, str | None]) -> JSON:
    """Metadata of a merge patch for one version of an object: these labels and no others, these annotations beside
    others (None takes one out).
    """
    named = {**{name: None for name in known.labels if name not in labels}, **labels}
    noted = {k: v for k, v in annotations.items() if known.annotations.get(k) != v}
    parts = {"resourceVersion": known.resource_version, "labels": named, "annotations": noted}
    return {name: part for name, part in parts.items() if part}
