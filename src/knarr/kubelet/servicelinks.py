"""Services as environment variables, in the form that Docker's links once had.

https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import field

from knarr.client.objects import Object, View

_EVERYWHERE = ("default", "kubernetes")  # the API server's service, which every container learns of


class ServicePort(View, frozen=True):
    port: int
    name: str = ""
    protocol: str = "TCP"


class ServiceSpec(View, frozen=True):
    cluster_ip: str = field(default="", name="clusterIP")
    ports: tuple[ServicePort, ...] = ()


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()

    @property
    def has_address(self) -> bool:
        return self.spec.cluster_ip not in ("", "None")


def variables_of(services: Iterable[Service], namespace: str, links: bool) -> dict[str, str]:
    """What a container in the namespace learns of; without links, only where the API server is.

    A service called `kubernetes` in its own namespace hides the API server's.
    """
    chosen: dict[str, Service] = {}
    for service in services:
        local = links and service.metadata.namespace == namespace
        everywhere = (service.metadata.namespace, service.metadata.name) == _EVERYWHERE
        if service.has_address and (local or (everywhere and service.metadata.name not in chosen)):
            chosen[service.metadata.name] = service
    return {name: value for key in sorted(chosen) for name, value in _variables(chosen[key])}


def _variables(service: Service) -> Iterable[tuple[str, str]]:
    prefix, host = _identifier(service.metadata.name), service.spec.cluster_ip
    ports = service.spec.ports
    yield f"{prefix}_SERVICE_HOST", host
    if ports:
        yield f"{prefix}_SERVICE_PORT", str(ports[0].port)
        yield f"{prefix}_PORT", _url(host, ports[0])
    for port in ports:
        if port.name:
            yield f"{prefix}_SERVICE_PORT_{_identifier(port.name)}", str(port.port)
        link = f"{prefix}_PORT_{port.port}_{port.protocol}"
        yield link, _url(host, port)
        yield f"{link}_PROTO", port.protocol.lower()
        yield f"{link}_PORT", str(port.port)
        yield f"{link}_ADDR", host


def _url(host: str, port: ServicePort) -> str:
    return f"{port.protocol.lower()}://{f'[{host}]' if ':' in host else host}:{port.port}"


def _identifier(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
