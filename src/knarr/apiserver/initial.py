"""The objects that a cluster begins with, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from knarr.api import flows
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.serviceaccounts import SINCE, TRACKING, day
from knarr.apiserver.admission.priority import SYSTEM_CLASSES
from knarr.apiserver.registry import Options
from knarr.apiserver.servers import Server
from knarr.apiserver.trust import united

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
SERVICE = "kubernetes"
_PORT_NAME, _SERVICE_PORT = "https", 443


@dataclass(frozen=True, slots=True)
class Initial:
    """An object that must be there. `kept` are the fields that are put right whenever they differ; where that depends
    on more, `mend(found, tree)` says what a stored one is to be.
    """

    group: str
    plural: str
    tree: JSON
    kept: tuple[str, ...] = ()
    mend: Callable[[JSON, JSON], JSON] | None = None

    def mended(self, found: JSON) -> JSON:
        """What a stored object is to be."""
        if self.mend:
            return self.mend(found, self.tree)
        return {**found, **{name: self.tree[name] for name in self.kept}}

    @property
    def name(self) -> str:
        return str(self.tree["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.tree["metadata"].get("namespace", ""))


def initial_objects(options: Options, servers: Sequence[Server], today: date) -> Iterator[Initial]:
    """Everything, in the order in which it is made; `servers` are the cluster's API servers."""
    yield from (Initial("", "namespaces", _namespace(name)) for name in NAMESPACES)
    yield from (Initial("scheduling.k8s.io", "priorityclasses", _priority_class(name)) for name in SYSTEM_CLASSES)
    yield from (Initial(flows.GROUP, flows.PLURAL[tree["kind"]], tree, mend=flows.mended) for tree in flows.OBJECTS)
    yield Initial("networking.k8s.io", "servicecidrs", _service_cidr(options))
    yield Initial("", "services", _service(options))
    yield Initial("", "endpoints", _endpoints(servers), kept=("subsets",))
    yield Initial("discovery.k8s.io", "endpointslices", _slice(servers), kept=("addressType", "endpoints", "ports"))
    yield Initial("", "configmaps", _tracking(today), mend=_since)
    if options.extension_authentication:
        yield Initial("", "configmaps", _extension_authentication(options), mend=_trusting)


def _namespace(name: str) -> JSON:
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _priority_class(name: str) -> JSON:
    found = SYSTEM_CLASSES[name]
    return {
        "kind": "PriorityClass",
        "apiVersion": "scheduling.k8s.io/v1",
        "metadata": {"name": name, "generation": 1},
        "value": found.value,
        "description": found.description,
        "preemptionPolicy": "PreemptLowerPriority",
    }


_CIDR_READY = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}


def _service_cidr(options: Options) -> JSON:
    """Named as the Service; ready, as every address of it can be had."""
    return {
        "kind": "ServiceCIDR",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": SERVICE},
        "spec": {"cidrs": [str(options.service_cidr)]},
        "status": {"conditions": [_CIDR_READY]},
    }


def _metadata(**labels: str) -> JSON:
    return {"name": SERVICE, "namespace": "default", "labels": labels}


def _service(options: Options) -> JSON:
    """The API server's own Service, at the first address of the range."""
    address = str(options.service_cidr[1])
    port = {"name": _PORT_NAME, "protocol": "TCP", "port": _SERVICE_PORT, "targetPort": options.advertise_port}
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": _metadata(component="apiserver", provider="kubernetes"),
        "spec": {
            "ports": [port],
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def _port(number: int) -> JSON:
    return {"name": _PORT_NAME, "port": number, "protocol": "TCP"}


def _endpoints(servers: Sequence[Server]) -> JSON:
    """A subset for each port that any of the servers has."""
    addresses: dict[int, list[JSON]] = {}
    for server in servers:
        addresses.setdefault(server.port, []).append({"ip": server.address})
    return {
        "kind": "Endpoints",
        "apiVersion": "v1",
        "metadata": _metadata(**{"endpointslice.kubernetes.io/skip-mirror": "true"}),
        "subsets": [{"addresses": found, "ports": [_port(port)]} for port, found in addresses.items()],
    }


def _slice(servers: Sequence[Server]) -> JSON:
    """A slice has one port for all: that of the first server, which all of them usually share."""
    port = servers[0].port
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": _metadata(**{"kubernetes.io/service-name": SERVICE}),
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [server.address], "conditions": {"ready": True}} for server in servers if server.port == port
        ],
        "ports": [_port(port)],
    }


def _tracking(today: date) -> JSON:
    """Since when the uses of service accounts' old tokens are kept a book of."""
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": TRACKING, "namespace": "kube-system"},
        "data": {SINCE: today.isoformat()},
    }


def _since(found: JSON, ours: JSON) -> JSON:
    """The first day is kept; from today on, where none can be read."""
    return found if day(dig(found, "data", {}).get(SINCE, "")) else {**found, "data": ours["data"]}


def _extension_authentication(options: Options) -> JSON:
    """By what the servers of aggregated APIs know us, and our clients."""
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": dict(options.extension_authentication),
    }


def _trusting(found: JSON, ours: JSON) -> JSON:
    """Every server of the cluster has its part."""
    return {**found, "data": united(found.get("data"), ours["data"])}
