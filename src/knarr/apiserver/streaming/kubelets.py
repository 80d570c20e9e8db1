"""The way to a node's kubelet."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.apiserver.registry import Lister
from knarr.machinery.errors import InternalError, NotFound
from knarr.wire.connections import HTTPTransport

KUBELET_PORT = 10250


class Kubelets:
    """Transports to kubelets by node; `tls` holds our client certificate and the CA of theirs."""

    def __init__(self, lister: Lister, tls: ssl.SSLContext) -> None:
        self._lister = lister
        self._tls = tls
        self._transports: dict[str, tuple[str, HTTPTransport]] = {}

    async def of(self, node: str) -> HTTPTransport:
        """The transport to the node's kubelet, made anew when the node has moved. Raises NotFound, InternalError."""
        found = self._lister.get("", "nodes", "", node)
        url = _url(found) if found else ""
        known = self._transports.get(node)
        if known and known[0] == url:
            return known[1]
        if known:
            del self._transports[node]
            await known[1].close()
        if not url:
            raise NotFound(f'nodes "{node}" not found', kind="nodes", name=node)
        transport = HTTPTransport(url, tls=self._tls)
        self._transports[node] = url, transport
        return transport

    async def close(self) -> None:
        for _, transport in self._transports.values():
            await transport.close()
        self._transports.clear()


def _url(node: JSON) -> str:
    status = node.get("status", {})
    addresses = {entry["type"]: entry["address"] for entry in reversed(each(node, "status.addresses")) if _is_ip(entry)}
    address = addresses.get("InternalIP") or addresses.get("ExternalIP")
    if not address:
        raise InternalError("Internal error occurred: no preferred addresses found; known addresses: []")
    port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port") or KUBELET_PORT
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"


def _is_ip(entry: JSON) -> bool:
    """A kubelet says where it is: there is to be nothing else in it, such as a path at some other server."""
    try:
        ip_address(entry["address"])
    except ValueError:
        return False
    return True
