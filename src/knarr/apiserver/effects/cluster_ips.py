"""Cluster IPs: every Service that wants one holds an IPAddress object of that name.

https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects and KEP-1880; the lower part of the
range is left to those who ask for a fixed address (KEP-3070).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from knarr.api.kind import JSON
from knarr.api.services import is_headless
from knarr.apiserver.effects.effect import Effect, RefusedError
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, born
from knarr.machinery.fielderrors import invalid
from knarr.machinery.times import format_time
from knarr.storage.store import Write

PREFIX = "/registry/ipaddresses/"
NONE = "None"
_TRIES = 64
_FIELD = "spec.clusterIPs"


def settle(new: JSON, old: JSON | None) -> None:
    """Bring clusterIP and clusterIPs together, and say of which families they are; an update that names none keeps what
    the Service has.
    """
    spec = new["spec"]
    if spec.get("type") == "ExternalName":
        return
    _settle_families(spec, old["spec"] if old else {})
    if old and not spec.get("clusterIP") and not spec.get("clusterIPs") and _addresses(old):
        spec["clusterIP"], spec["clusterIPs"] = old["spec"]["clusterIP"], list(old["spec"]["clusterIPs"])
    if spec.get("clusterIP") and (not spec.get("clusterIPs") or (old and _changes_first_alone(spec, old["spec"]))):
        spec["clusterIPs"] = [spec["clusterIP"], *(spec.get("clusterIPs") or ())[1:]]
    elif old and spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec.pop("clusterIPs")


def _settle_families(spec: JSON, old: JSON) -> None:
    """One family, IPv4, but both for a headless Service without selector, whose addresses nobody can foresee."""
    dual = is_headless(spec) and not spec.get("selector")
    families = {
        "ipFamilies": ["IPv4", "IPv6"] if dual else ["IPv4"],
        "ipFamilyPolicy": "RequireDualStack" if dual else "SingleStack",
    }
    for name, value in families.items():
        spec.setdefault(name, old.get(name) or value)


def _changes_first_alone(spec: JSON, old: JSON) -> bool:
    """Whether clusterIP was written and clusterIPs left as read, by a client that knows no second address."""
    return bool(spec["clusterIP"] != old.get("clusterIP") and spec["clusterIPs"] == old.get("clusterIPs"))


def plan(registry: Registry, new: JSON | None, old: JSON | None) -> Sequence[Write]:
    """Take the address that the Service lacks, release the one that it no longer has."""
    before = _addresses(old)
    if new is not None:
        _check_families(new["spec"])
        _drop_addresses(new["spec"])
        _assign(registry, new["spec"], before)
    after = _addresses(new)
    taken = [_claim(registry, new or {}, address) for address in after if address not in before]
    return taken + [Write(PREFIX + address, None) for address in before if address not in after]


def static_part(cidr: IPv4Network) -> int:
    """How many of the range's first addresses are not given out by themselves: a sixteenth, at least 16, at most
    256.
    """
    size = cidr.num_addresses - 2
    return 0 if size <= 16 else min(max(16, size // 16), 256)


def _addresses(service: JSON | None) -> list[str]:
    spec = (service or {}).get("spec") or {}
    if spec.get("type") == "ExternalName":
        return []
    return [address for address in spec.get("clusterIPs") or () if address != NONE]


def _drop_addresses(spec: JSON) -> None:
    """What has no cluster IP says nothing of any."""
    if spec.get("type") != "ExternalName":
        return
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        spec.pop(name, None)


def _check_families(spec: JSON) -> None:
    """Refuse families that there are no addresses of; who only names addresses of others needs none."""
    if spec.get("type") == "ExternalName" or (is_headless(spec) and not spec.get("selector")):
        return
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family != "IPv4":
            raise RefusedError(invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        detail = "this cluster is not configured for dual-stack services"
        raise RefusedError(invalid("spec.ipFamilyPolicy", "RequireDualStack", detail))


def _assign(registry: Registry, spec: JSON, held: list[str]) -> None:
    if spec.get("type") == "ExternalName" or spec.get("clusterIPs") == [NONE]:
        return
    for address in spec.get("clusterIPs") or ():
        if address not in held:
            _check_fixed(registry, spec, address)
    if not spec.get("clusterIPs"):
        spec["clusterIP"] = _free(registry)
        spec["clusterIPs"] = [spec["clusterIP"]]


def _check_fixed(registry: Registry, spec: JSON, address: str) -> None:
    cidr = registry.options.service_cidr
    if not _usable(address, cidr):
        why = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {cidr}"
    elif registry.cache.get(PREFIX + address):
        why = "provided IP is already allocated"
    else:
        return
    raise RefusedError(invalid(_FIELD, spec["clusterIPs"], f"failed to allocate IP {address}: {why}"))


def _usable(address: str, cidr: IPv4Network) -> bool:
    try:
        found = IPv4Address(address)
    except AddressValueError:
        return False
    return found in cidr and found not in (cidr.network_address, cidr.broadcast_address)


def _free(registry: Registry) -> str:
    """A random free address of the upper part; where that is full, the first free one of the whole range."""
    cidr = registry.options.service_cidr
    for _ in range(_TRIES):
        offset = registry.options.random.randrange(1 + static_part(cidr), cidr.num_addresses - 1)
        if not registry.cache.get(f"{PREFIX}{cidr[offset]}"):
            return str(cidr[offset])
    for address in (*list(cidr.hosts())[static_part(cidr) :], *list(cidr.hosts())[: static_part(cidr)]):
        if not registry.cache.get(f"{PREFIX}{address}"):
            return str(address)
    raise RefusedError(invalid(_FIELD, [], "failed to allocate a serviceIP: range is full"))


def _claim(registry: Registry, service: JSON, address: str) -> Write:
    metadata = service["metadata"]
    parent = {"group": "", "resource": "services", "namespace": metadata["namespace"], "name": metadata["name"]}
    labels = {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    claim = {
        "kind": "IPAddress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": address, "labels": labels},
        "spec": {"parentRef": parent},
    }
    return Write(PREFIX + address, to_stored(born(claim, format_time(registry.clock.now()))), expected=0)


EFFECT = Effect("cluster_ips", plan, settle)
