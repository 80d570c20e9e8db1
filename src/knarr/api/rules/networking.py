"""Ingresses, NetworkPolicies and where cluster IPs come from."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from knarr.api.checks import domain_prefixed_path, named, network, port_or_name, unchanged
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required, too_long, too_many
from knarr.machinery.names import dns1035_label, dns1123_subdomain, ip, path_segment, wildcard_dns1123_subdomain

_NETWORKING = "io.k8s.api.networking.v1"
_CLASS = "kubernetes.io/ingress.class"
_CONTROLLER_LENGTH = 250
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_UNSAFE_PATHS, _UNSAFE_ENDS = ("//", "/./", "/../", "%2f", "%2F"), ("/..", "/.")


def _ingress(spec: JSON, path: str) -> Iterable[FieldError]:
    if not each(spec, "rules") and spec.get("defaultBackend") is None:
        yield invalid(path, spec.get("rules"), "either `defaultBackend` or `rules` must be specified")


def _rule(rule: JSON, path: str) -> Iterable[FieldError]:
    host = rule.get("host") or ""
    if host and not ip(host):
        yield invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
    elif host:
        yield from named(f"{path}.host", host, wildcard_dns1123_subdomain if "*" in host else dns1123_subdomain)


def _path(route: JSON, path: str) -> Iterable[FieldError]:
    kind, where = route.get("pathType"), route.get("path") or ""
    if kind and kind not in _PATH_TYPES:
        yield not_supported(f"{path}.pathType", kind, _PATH_TYPES)
    if (kind in ("Exact", "Prefix") and not where.startswith("/")) or (where and not where.startswith("/")):
        yield invalid(f"{path}.path", where, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for unsafe in _UNSAFE_PATHS:
            if unsafe in where:
                yield invalid(f"{path}.path", where, f"must not contain '{unsafe}'")
        for unsafe in _UNSAFE_ENDS:
            if where.endswith(unsafe):
                yield invalid(f"{path}.path", where, f"cannot end with '{unsafe}'")


def _backend(backend: JSON, path: str) -> Iterable[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif service is None and resource is None:
        yield invalid(path, "", "resource or service backend is required")
    elif service is not None:
        yield from _port_of(service.get("port") or {}, path)


def _port_of(port: JSON, path: str) -> Iterable[FieldError]:
    """A Service's port is named or numbered."""
    name, number = port.get("name"), port.get("number")
    if name and number:
        yield invalid(path, "", "cannot set both port name & port number")
    elif not name and not number:
        yield required(path, "port name or number is required")
    else:
        yield from port_or_name(f"{path}.service.port.{'name' if name else 'number'}", name or number)


def _tls(tls: JSON, path: str) -> Iterable[FieldError]:
    for index, host in enumerate(each(tls, "hosts")):
        check = wildcard_dns1123_subdomain if "*" in host else dns1123_subdomain
        yield from named(f"{path}.hosts[{index}]", host, check)


def _class_of_both(ingress: JSON, path: str) -> Iterable[FieldError]:
    """The annotation is the field's predecessor."""
    annotation = dig(ingress, "metadata.annotations", {}).get(_CLASS)
    if annotation is not None and dig(ingress, "spec.ingressClassName") is not None:
        yield invalid(f"metadata.annotations[{_CLASS}]", annotation, "can not be set when the class field is also set")


def _controller(spec: JSON, path: str) -> Iterable[FieldError]:
    name, where = spec.get("controller") or "", f"{path}.controller"
    if len(name) > _CONTROLLER_LENGTH:
        yield too_long(where, _CONTROLLER_LENGTH)
    if name:
        yield from domain_prefixed_path(where, name)


def _parameters(parameters: JSON, path: str) -> Iterable[FieldError]:
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope == "Namespace" and not namespace:
        yield required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")


def _default_policy(spec: JSON) -> None:
    """A policy is for incoming traffic, and for outgoing if it says something about it."""
    spec.setdefault("policyTypes", ["Ingress", *(["Egress"] if spec.get("egress") else [])])


def _policy(spec: JSON, path: str) -> Iterable[FieldError]:
    types = each(spec, "policyTypes")
    if len(types) > 2:
        yield invalid(f"{path}.policyTypes", types, "may not specify more than two policyTypes")


def _port_range(port: JSON, path: str) -> Iterable[FieldError]:
    first, last = port.get("port"), port.get("endPort")
    yield from port_or_name(f"{path}.port", first)
    if last is None:
        return
    if first is None:
        yield required(f"{path}.port", "must be specified when `endPort` is specified")
    elif isinstance(first, str):
        yield invalid(f"{path}.endPort", last, "may not be specified when `port` is non-numeric")
    elif last < first:
        yield invalid(f"{path}.endPort", last, "must be greater than or equal to `port`")
    yield from port_or_name(f"{path}.endPort", last)


def _peer(peer: JSON, path: str) -> Iterable[FieldError]:
    given = [name for name in ("ipBlock", "namespaceSelector", "podSelector") if peer.get(name) is not None]
    if not given:
        yield required(path, "must specify a peer")
    elif "ipBlock" in given and len(given) > 1:
        yield forbidden(path, "may not specify both ipBlock and another peer")


def _block(block: JSON, path: str) -> Iterable[FieldError]:
    """Each exception lies strictly within the block."""
    if not block.get("cidr"):
        return
    for where, cidr in ((f"{path}.cidr", block.get("cidr") or ""), *_exceptions(block, path)):
        if faults := list(named(where, cidr, network)):
            yield from faults
        elif where != f"{path}.cidr" and not network(block.get("cidr") or "") and not _inside(cidr, block["cidr"]):
            yield invalid(where, cidr, "must be a strict subset of `cidr`")


def _exceptions(block: JSON, path: str) -> list[tuple[str, str]]:
    return [(f"{path}.except[{index}]", cidr) for index, cidr in enumerate(each(block, "except"))]


def _inside(inner: str, outer: str) -> bool:
    small, large = ip_network(inner, strict=False), ip_network(outer, strict=False)
    return (
        small != large
        and small.version == large.version
        and small.network_address in large
        and (small.prefixlen > large.prefixlen)
    )


def _ranges(spec: JSON, path: str) -> Iterable[FieldError]:
    """One of each family at most."""
    cidrs = each(spec, "cidrs")
    if len(cidrs) > 2:
        yield too_many(f"{path}.cidrs", len(cidrs), 2)
        return
    faults = [fault for index, cidr in enumerate(cidrs) for fault in named(f"{path}.cidrs[{index}]", cidr, network)]
    yield from faults
    if not faults and len({ip_network(cidr).version for cidr in cidrs}) < len(cidrs):
        detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        yield invalid(f"{path}.cidrs", cidrs, detail)


def _ranges_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """A second family may join the first."""
    after, before = each(new, "cidrs"), each(old, "cidrs")
    if (len(before), len(after)) == (1, 2):
        yield from unchanged(f"{path}.cidrs[0]", after[0], before[0])
    else:
        yield from unchanged(f"{path}.cidrs", after, before)


RULES = (
    Rules(f"{_NETWORKING}.Ingress", validate=_class_of_both),
    Rules(f"{_NETWORKING}.IngressSpec", names={"ingressClassName": dns1123_subdomain}, validate=_ingress),
    Rules(f"{_NETWORKING}.IngressTLS", names={"secretName": dns1123_subdomain}, validate=_tls),
    Rules(f"{_NETWORKING}.IngressRule", validate=_rule),
    Rules(f"{_NETWORKING}.HTTPIngressPath", demands={"pathType": "pathType must be specified"}, validate=_path),
    Rules(f"{_NETWORKING}.HTTPIngressRuleValue", required=("paths",)),
    Rules(f"{_NETWORKING}.IngressBackend", validate=_backend),
    Rules(f"{_NETWORKING}.IngressServiceBackend", required=("name",), names={"name": dns1035_label}),
    Rules(
        f"{_NETWORKING}.IngressClassSpec",
        required=("controller",),
        validate=_controller,
        immutable=("controller",),
    ),
    Rules(
        f"{_NETWORKING}.IngressClassParametersReference",
        defaults={"scope": "Cluster"},
        required=("kind", "name"),
        enums={"scope": ("Cluster", "Namespace")},
        validate=_parameters,
    ),
    Rules(
        f"{_NETWORKING}.NetworkPolicySpec",
        enums={"policyTypes": ("Egress", "Ingress")},
        default=_default_policy,
        validate=_policy,
    ),
    Rules(f"{_NETWORKING}.NetworkPolicyPeer", validate=_peer),
    Rules(
        f"{_NETWORKING}.NetworkPolicyPort",
        defaults={"protocol": "TCP"},
        enums={"protocol": ("SCTP", "TCP", "UDP")},
        validate=_port_range,
    ),
    Rules(f"{_NETWORKING}.IPBlock", validate=_block),
    Rules(f"{_NETWORKING}.IPAddressSpec", required=("parentRef",)),
    Rules(
        f"{_NETWORKING}.ParentReference",
        required=("resource", "name"),
        names={
            "group": dns1123_subdomain,
            "resource": path_segment,
            "namespace": path_segment,
            "name": path_segment,
        },
    ),
    Rules(
        f"{_NETWORKING}.ServiceCIDRSpec",
        demands={"cidrs": "at least one CIDR required"},
        validate=_ranges,
        validate_update=_ranges_update,
    ),
)
