"""Whom to call, as an object names it, and where that is now."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import SystemRandom
from urllib.parse import quote, urlsplit

from knarr.api.kind import JSON
from knarr.apiserver.registry import Lister

HTTPS = 443
_RANDOM = SystemRandom()
SERVICE_NAME = "kubernetes.io/service-name"  # the label by which a slice names its Service


class UnroutableError(ConnectionError):
    """A Service that leads nowhere; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Service:
    """A port of a Service."""

    namespace: str
    name: str
    port: int = HTTPS

    @property
    def host(self) -> str:
        """The name that the server's certificate must have."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """An HTTPS server: its URL, and the authority (PEM) that vouches for it, "" for those the machine trusts.

    Of a `service`, the URL's host is the name and not the address. Targets that differ in `path` alone are one server.
    """

    url: str
    authority: str = ""
    service: Service | None = None
    verify: bool = True
    path: str = field(default="/", compare=False)


def client_config_target(config: JSON) -> Target:
    """The target of a webhook's `clientConfig`."""
    authority = _pem(config.get("caBundle", ""))
    if named := config.get("service"):
        service = _service(named)
        return Target(service.url, authority, service, path=_quoted(named.get("path") or ""))
    parts = urlsplit(config.get("url") or "")
    return Target(f"{parts.scheme}://{parts.netloc}", authority, path=_quoted(parts.path))


def service_target(spec: JSON) -> Target:
    """The target of an APIService that is not local."""
    service = _service(spec["service"])
    return Target(service.url, _pem(spec.get("caBundle", "")), service, not spec.get("insecureSkipTLSVerify"))


def _service(named: JSON) -> Service:
    return Service(named["namespace"], named["name"], named.get("port") or HTTPS)


def _quoted(path: str) -> str:
    """A path as a request may name it, whatever its author left unquoted."""
    return "/" + quote(path.lstrip("/"), safe="/%:@!$&'()*+,;=~")


def _pem(bundle: str) -> str:
    """A bundle's text, whose comments may be in any language. One without any text stays one that vouches for nobody:
    those whom the machine trusts must not stand in for it.
    """
    try:
        text = base64.b64decode(bundle).decode("ascii", errors="ignore")
    except binascii.Error:
        text = ""
    return text or "\n" if bundle else ""


def resolve(lister: Lister, service: Service) -> tuple[str, int]:
    """An address and port where the Service is answered now: one of its ready endpoints. Raises UnroutableError.

    An endpoint and not the cluster IP (upstream: --enable-aggregator-routing): a hop less, and a Service that nobody
    answers is known at once.
    """
    found = lister.get("", "services", service.namespace, service.name)
    if found is None:
        raise UnroutableError(f'service "{service.name}" not found')
    if found["spec"].get("type") == "ExternalName":
        return found["spec"]["externalName"], service.port
    port = next((p for p in found["spec"].get("ports", ()) if p["port"] == service.port), None)
    if port is None:
        raise UnroutableError(f'no service port {service.port} found for service "{service.name}"')
    endpoints = list(_endpoints(lister, service, port.get("name", "")))
    if not endpoints:
        raise UnroutableError(f'no endpoints available for service "{service.name}"')
    return _RANDOM.choice(endpoints)


def slices_of(lister: Lister, service: Service) -> Iterator[JSON]:
    """The EndpointSlices of a Service."""
    for found in lister.list("discovery.k8s.io", "endpointslices", service.namespace):
        if (found["metadata"].get("labels") or {}).get(SERVICE_NAME) == service.name:
            yield found


def ready_endpoints(found: JSON) -> Iterator[JSON]:
    """The endpoints of a slice that are to be asked: those that do not say that they are not ready."""
    for endpoint in found.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            yield endpoint


def _endpoints(lister: Lister, service: Service, port_name: str) -> Iterator[tuple[str, int]]:
    for found in slices_of(lister, service):
        ports = [p["port"] for p in found.get("ports") or () if (p.get("name") or "") == port_name and p.get("port")]
        for endpoint in ready_endpoints(found):
            yield from ((address, port) for address in endpoint["addresses"][:1] for port in ports)
