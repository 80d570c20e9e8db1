"""Services and slices as the API server would send them, in few words."""

from __future__ import annotations

from typing import Any

import msgspec

from knarr.proxy.objects import EndpointSlice, Service
from knarr.proxy.ruleset import Network

HERE = "here"
NETWORK = Network("10.244.0.0/16", "10.96.0.0/16")


def service(*, name: str = "web", protocol: str = "TCP", node_port: int = 0, ingress: str = "", **spec: Any) -> Service:
    """`default/web` at 10.96.0.20, port 80."""
    port = {"port": 80, "protocol": protocol, "nodePort": node_port}
    status = {"loadBalancer": {"ingress": [{"ip": ingress}] if ingress else []}}
    tree = {
        "metadata": {"name": name, "namespace": "default", "labels": spec.pop("labels", {})},
        "spec": {"clusterIP": "10.96.0.20", "ports": [port], **spec},
        "status": status,
    }
    return msgspec.convert(tree, Service)


def endpoint(address: str, node: str = HERE, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def piece(*endpoints: dict[str, Any], protocol: str = "TCP", family: str = "IPv4", **port: Any) -> EndpointSlice:
    """A slice whose Pods listen on 8080."""
    ports = [{"name": "", "protocol": protocol, "port": 8080, **port}]
    return msgspec.convert({"addressType": family, "endpoints": [*endpoints], "ports": ports}, EndpointSlice)
