"""nodes/proxy, pods/proxy and services/proxy: HTTP passed on to what the name stands for.

The name may be `[scheme:]name[:port]`; https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from random import SystemRandom

from msgspec.structs import replace

from knarr.api.kind import JSON
from knarr.apiserver.registry import Lister
from knarr.apiserver.request import APIRequest
from knarr.apiserver.streaming.kubelets import Kubelets
from knarr.apiserver.streaming.pods import find
from knarr.apiserver.streaming.relays import dial, end_to_end, joined, relay, switching, wants_upgrade
from knarr.machinery.errors import BadRequest, ServiceUnavailable
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Answer, Request, Transport
from knarr.wire.tls import client_context

_RANDOM = SystemRandom()
_PRIVATE = ("authorization", "host", "cookie")  # meant for us, not for a backend


class Proxies:
    """Passes requests on; credentials stay here."""

    def __init__(self, lister: Lister, kubelets: Kubelets) -> None:
        self._lister = lister
        self._kubelets = kubelets

    async def node(self, request: APIRequest) -> Answer:
        return await _passed(await self._kubelets.of(request.info.name), request)

    async def pod(self, request: APIRequest) -> Answer:
        scheme, name, port = split_name(request.info.name)
        pod = find(self._lister, "pods", request.info.namespace, name)
        address = pod.get("status", {}).get("podIP", "")
        _require_routable(address)
        return await self._relay(scheme, address, port or str(_first_port(pod)), request)

    async def service(self, request: APIRequest) -> Answer:
        scheme, name, port = split_name(request.info.name)
        service = find(self._lister, "services", request.info.namespace, name)
        port_name = _port_name(service, port)
        if port_name is None:
            raise ServiceUnavailable(f'no service port "{port}" found for service "{name}"')
        backends = list(self._backends(request.info.namespace, name, port_name))
        if not backends:
            raise ServiceUnavailable(f'no endpoints available for service "{name}"')
        address, number = _RANDOM.choice(backends)
        _require_routable(address)
        return await self._relay(scheme, address, number, request)

    def _backends(self, namespace: str, service: str, port_name: str) -> Iterator[tuple[str, str]]:
        endpoints = self._lister.get("", "endpoints", namespace, service) or {}
        for subset in endpoints.get("subsets", []):
            for port in subset.get("ports", []):
                if port.get("name", "") == port_name:
                    yield from ((entry["ip"], str(port["port"])) for entry in subset.get("addresses", []))

    async def _relay(self, scheme: str, address: str, port: str, request: APIRequest) -> Answer:
        tls = client_context(verify=False) if scheme == "https" else None  # as upstream: nobody vouches for a Pod
        host = f"[{address}]" if ":" in address else address
        transport = HTTPTransport(f"{scheme or 'http'}://{host}:{port}", tls=tls)
        return await _passed(transport, request, close=True)


async def _passed(transport: Transport, request: APIRequest, *, close: bool = False) -> Answer:
    """`close` closes the transport afterwards."""
    sent = _backend_request(request)
    if not wants_upgrade(request.http):
        return await relay(transport, sent, close=close)
    asked = replace(sent, headers={**sent.headers, **switching(request.http)})
    return await joined(*await dial(transport, asked), transport if close else None)


def _require_routable(address: str) -> None:
    """Nobody gets at this machine's own loopback, or at a cloud's metadata, through us. Raises BadRequest."""
    try:
        ip = ip_address(address)
    except ValueError:
        raise BadRequest("address not allowed") from None
    ip = getattr(ip, "ipv4_mapped", None) or ip  # which is the same place
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        raise BadRequest("address not allowed")


def split_name(name: str) -> tuple[str, str, str]:
    """`[scheme:]name[:port]`, taken apart. Raises BadRequest."""
    match name.split(":"):
        case [only]:
            return "", only, ""
        case [named, port]:
            return "", named, port
        case [("http" | "https" | "") as scheme, named, port]:
            return scheme, named, port
    raise BadRequest(f'invalid service request "{name}"')


def _backend_request(request: APIRequest) -> Request:
    http = request.http
    headers = {name: value for name, value in end_to_end(http.headers).items() if name not in _PRIVATE}
    return Request(http.method, request.info.rest or "/", http.query, headers, http.body)


def _first_port(pod: JSON) -> int:
    """Upstream's choice where none is named: the first port that any container declares, or 80."""
    ports = (port for container in pod["spec"]["containers"] for port in container.get("ports", []))
    return next((int(port["containerPort"]) for port in ports), 80)


def _port_name(service: JSON, wanted: str) -> str | None:
    """The name of the service's port: the wanted one by name or number, else the only one."""
    for port in service["spec"].get("ports", []):
        if not wanted or wanted in (port.get("name"), str(port["port"])):
            return str(port.get("name", ""))
    return None
