"""Requests of kubelets for their serving certificates are approved, if all names are the node's own and nobody else's.

Upstream leaves these to whoever runs the cluster; docs/decisions/serving-certificates.md says why we do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

from knarr.api.certificates import Wanted
from knarr.api.signers import KUBELET_SERVING, NODE_GROUP, NODE_USER, REFUSALS
from knarr.client.resources import NODES, SIGNING_REQUESTS
from knarr.controllers.nodes import Node
from knarr.controllers.signingrequests import SigningRequest, approve, read
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

BY_NODE, BY_ADDRESS = "asking node", "address"
API_NAMES = ("kubernetes", "kubernetes.default")  # by which Pods may call the API server, besides those that say svc
SETTING = "service-cluster-ip-range"  # the Services' addresses, which are no node's
MESSAGE = "Auto approving kubelet serving certificate: all of its names are addresses of the Node alone."


async def reconcile(context: Context, key: str) -> None:
    """Approve the request of this name, if it is right; what is not is left to somebody who knows better."""
    request = context.cache(SIGNING_REQUESTS, SigningRequest).get(key)
    if request is None or request.spec.signer_name != KUBELET_SERVING or not request.pending:
        return
    node = context.cache(NODES, Node).get(request.spec.username.removeprefix(NODE_USER))
    if node is None:
        return
    wanted = await read(request)
    names = {_canonical(name) for name in (*wanted.dns_names, *wanted.addresses)}
    if _asks_for_itself(request, wanted) and all(_is_its_alone(context, node, name) for name in names):
        await approve(context, request, MESSAGE)


def _asks_for_itself(request: SigningRequest, wanted: Wanted) -> bool:
    asker = request.spec
    known = asker.username.startswith(NODE_USER) and NODE_GROUP in asker.groups
    return known and wanted.common_name == asker.username and not REFUSALS[KUBELET_SERVING](wanted, asker.usages)


def _is_its_alone(context: Context, node: Node, name: str) -> bool:
    """Whether nobody else can be meant by it: kubelets write their addresses themselves, and could lie."""
    claimed = context.cache(NODES, Node).by_index(BY_ADDRESS, name)
    return [other.metadata.name for other in claimed] == [node.metadata.name] and not _is_no_nodes(context, name)


def _is_no_nodes(context: Context, name: str) -> bool:
    """Whether it is a name or address of Services, of many hosts, or of whatever machine one is on."""
    try:
        address = ip_address(name)
    except ValueError:
        labels = name.split(".")
        return name in API_NAMES or "svc" in labels or "*" in labels or labels[-1] == "localhost"
    services = context.settings.get(SETTING, "")
    return address.is_loopback or any(address in ip_network(cidr) for cidr in services.split(",") if cidr)


def _canonical(name: str) -> str:
    """A name or address as all who mean the same would have to write it."""
    try:
        address = ip_address(name)
    except ValueError:
        return name.lower().rstrip(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def by_node(request: SigningRequest) -> Iterable[str]:
    """The index BY_NODE: the node whose kubelet asks."""
    return (request.spec.username.removeprefix(NODE_USER),)


def by_address(node: Node) -> Iterable[str]:
    """The index BY_ADDRESS: every name and address that a node says it has."""
    return {_canonical(address.address) for address in node.status.addresses}


def requests_of(node: Node, context: Context) -> Iterable[str]:
    """The requests of a node's kubelet."""
    found = context.cache(SIGNING_REQUESTS, SigningRequest).by_index(BY_NODE, node.metadata.name)
    return [request.metadata.key for request in found]


def node_matters(old: Node, new: Node) -> bool:
    return old.status.addresses != new.status.addresses


CONTROLLER = Controller(
    name="kubelet-serving-certificate-approving-controller",
    watches=(
        Watch(SIGNING_REQUESTS, SigningRequest, indexes={BY_NODE: by_node}),
        Watch(NODES, Node, requests_of, needs_context=True, matters=node_matters, indexes={BY_ADDRESS: by_address}),
    ),
    reconcile=reconcile,
    account="kubelet-serving-approver",
    may={
        "certificatesigningrequests.certificates.k8s.io": "get",
        "certificatesigningrequests.certificates.k8s.io/approval": "update",
        f"signers.certificates.k8s.io={KUBELET_SERVING}": "approve",
    },
)
