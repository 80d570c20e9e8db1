"""What only some types of Services may say: load balancers, traffic policies, affinity, families of addresses.

https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named, network
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.api.services import is_headless
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid
from knarr.machinery.names import qualified_name

_CORE = "io.k8s.api.core.v1"
_BALANCED = ("allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges")
_FAMILIES = ("IPv4", "IPv6")
_SECONDS = 86400


def _balancer(spec: JSON, path: str) -> Iterable[FieldError]:
    if spec.get("type") != "LoadBalancer":
        for field in _BALANCED:
            if spec.get(field) is not None:
                yield forbidden(f"{path}.{field}", "may only be used when `type` is 'LoadBalancer'")
        return
    for index, cidr in enumerate(each(spec, "loadBalancerSourceRanges")):
        yield from named(f"{path}.loadBalancerSourceRanges[{index}]", cidr.strip(), network)
    if name := spec.get("loadBalancerClass"):
        yield from named(f"{path}.loadBalancerClass", name, qualified_name)


def _health(spec: JSON, path: str) -> Iterable[FieldError]:
    """Only who keeps traffic on the node is asked whether there is any use in sending it."""
    local = spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
    if spec["healthCheckNodePort"] and not local:
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid(f"{path}.healthCheckNodePort", spec["healthCheckNodePort"], detail)


def _affinity(spec: JSON, path: str) -> Iterable[FieldError]:
    where = f"{path}.sessionAffinityConfig"
    if spec.get("sessionAffinity") == "None":
        yield forbidden(where, "must not be set when session affinity is None")
        return
    seconds = (spec["sessionAffinityConfig"].get("clientIP") or {}).get("timeoutSeconds", 1)
    if not 0 < seconds <= _SECONDS:
        detail = f"must be greater than 0 and less than {_SECONDS}"
        yield invalid(f"{where}.clientIP.timeoutSeconds", seconds, detail)


def _families(spec: JSON, path: str) -> Iterable[FieldError]:
    families = each(spec, "ipFamilies")
    if spec.get("type") == "ExternalName":
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if spec.get(field):
                yield forbidden(f"{path}.{field}", "may not be set for ExternalName services")
        return
    if len(families) > len(_FAMILIES):
        yield invalid(f"{path}.ipFamilies", families, "may only hold up to 2 values")
    seen: set[str] = set()
    for index, family in enumerate(families):
        if family in seen:
            yield duplicate(f"{path}.ipFamilies[{index}]", family)
        seen.add(family)


def _families_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """The first family stays, but of a Service that only names addresses of others."""
    after, before = each(new, "ipFamilies"), each(old, "ipFamilies")
    if "ExternalName" in (new.get("type"), old.get("type")) or (is_headless(new) and not new.get("selector")):
        return
    if before and not after:
        yield invalid(f"{path}.ipFamilies[0]", after, "primary ipFamily can not be unset")
    elif before and after[0] != before[0]:
        yield invalid(f"{path}.ipFamilies[0]", after[0], "may not change once set")


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """Who takes care of a load balancer does so for as long as it is one."""
    both = {new.get("type"), old.get("type")} == {"LoadBalancer"}
    if both and new.get("loadBalancerClass") != old.get("loadBalancerClass"):
        yield invalid(f"{path}.loadBalancerClass", new.get("loadBalancerClass"), "may not change once set")


RULES = (
    Rules(f"{_CORE}.ServiceSpec", validate=_balancer, validate_update=_update, when=frozenset(_BALANCED)),
    Rules(f"{_CORE}.ServiceSpec", validate=_health, when=frozenset({"healthCheckNodePort"})),
    Rules(f"{_CORE}.ServiceSpec", validate=_affinity, when=frozenset({"sessionAffinityConfig"})),
    Rules(
        f"{_CORE}.ServiceSpec",
        enums={
            "ipFamilies": _FAMILIES,
            "trafficDistribution": ("PreferClose", "PreferSameNode", "PreferSameZone"),
        },
        validate=_families,
        validate_update=_families_update,
        when=frozenset({"ipFamilies", "ipFamilyPolicy"}),
    ),
    Rules(f"{_CORE}.ServicePort", names={"appProtocol": qualified_name}),
)
