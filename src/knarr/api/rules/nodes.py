"""Nodes: taints, and addresses that do not change once given."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from knarr.api.checks import named, network
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported
from knarr.machinery.names import label_value, qualified_name

_CORE = "io.k8s.api.core.v1"
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def _node(spec: JSON, path: str) -> Iterable[FieldError]:
    seen = set()
    for index, taint in enumerate(each(spec, "taints")):
        identity = (taint.get("key"), taint.get("effect"))
        if identity in seen:
            yield duplicate(f"{path}.taints[{index}]", taint)
        seen.add(identity)


def _taint(taint: JSON, path: str) -> Iterable[FieldError]:
    yield from named(f"{path}.key", taint.get("key") or "", qualified_name)
    yield from named(f"{path}.value", taint.get("value") or "", label_value)
    if (effect := taint.get("effect")) and effect not in _EFFECTS:
        yield not_supported(f"{path}.effect", effect, _EFFECTS)


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """A node gets its Pod network and its provider's name once."""
    if old.get("podCIDRs") and new.get("podCIDRs") != old["podCIDRs"]:
        yield forbidden(f"{path}.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
    if old.get("providerID") and new.get("providerID") != old["providerID"]:
        yield forbidden(f"{path}.providerID", 'node updates may not change providerID except from "" to valid')


def _default_status(status: JSON) -> None:
    """What can be allocated is everything, unless the node says otherwise."""
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _default_network(spec: JSON) -> None:
    """The Pods' network stands in both fields, whichever of them was written."""
    networks = each(spec, "podCIDRs")
    if spec.get("podCIDR") and networks[:1] != [spec["podCIDR"]]:
        spec["podCIDRs"] = [spec["podCIDR"]]
    elif networks and networks[0]:
        spec["podCIDR"] = networks[0]


def _networks(spec: JSON, path: str) -> Iterable[FieldError]:
    """One of each family at most."""
    cidrs = each(spec, "podCIDRs")
    faults = [f for index, cidr in enumerate(cidrs) for f in named(f"{path}.podCIDRs[{index}]", cidr, network)]
    yield from faults
    if not faults and len({ip_network(cidr).version for cidr in cidrs}) < len(cidrs):
        yield invalid(f"{path}.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family")


def _status(status: JSON, path: str) -> Iterable[FieldError]:
    addresses = each(status, "addresses")
    for index, address in enumerate(addresses):
        if address in addresses[:index]:
            yield duplicate(f"{path}.addresses[{index}]", address)


RULES = (
    Rules(f"{_CORE}.NodeSpec", validate=_node, validate_update=_update),
    Rules(f"{_CORE}.NodeSpec", default=_default_network, validate=_networks, when=frozenset({"podCIDRs"})),
    Rules(f"{_CORE}.NodeStatus", default=_default_status, validate=_status, when=frozenset({"addresses"})),
    Rules(f"{_CORE}.Taint", required=("effect",), undemanded=("key",), validate=_taint),
)
