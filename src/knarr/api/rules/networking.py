"""Ingresses, NetworkPolicies and where cluster IPs come from."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from knarr.api.checks import domain_prefixed_path, named, network, port_or_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required, too_long
from knarr.machinery.names import dns1035_label, dns1123_subdomain, ip, wildcard_dns1123_subdomain

_NETWORKING = "io.k8s.api.networking.v1"
_CLASS = "kubernetes.io/ingress.class"
_CONTROLLER_LENGTH = 250
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_UNSAFE_PATHS = ("//", "/./", "/../", "%2f", "%2F")


def _ingress(spec: JSON, path: str) -> Iterable[FieldError]:
    if not each(spec, "rules") and spec.get("defaultBackend") is None:
        yield invalid(path, each(spec, "rules"), "either `defaultBackend` or `rules` must be specified")


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


def _backend(backend: JSON, path: str) -> Iterable[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif service is None and resource is None:
        yield required(path, "must specify either `resource` or `service`")


def _service(service: JSON, path: str) -> Iterable[FieldError]:
    if name := service.get("name"):
        yield from named(f"{path}.name", name, dns1035_label)
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        yield invalid(path, "", "cannot set both port name & port number")
    elif not port.get("name") and not port.get("number"):
        yield required(f"{path}.port", "port name or number is required")
    yield from port_or_name(
        f"{path}.port.{'name' if port.get('name') else 'number'}", port.get("name") or port.get("number")
    )


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


RULES = (
    Rules(f"{_NETWORKING}.Ingress", validate=_class_of_both),
    Rules(f"{_NETWORKING}.IngressSpec", names={"ingressClassName": dns1123_subdomain}, validate=_ingress),
    Rules(f"{_NETWORKING}.IngressTLS", names={"secretName": dns1123_subdomain}, validate=_tls),
    Rules(f"{_NETWORKING}.IngressRule", validate=_rule),
    Rules(f"{_NETWORKING}.HTTPIngressPath", required=("pathType",), validate=_path),
    Rules(f"{_NETWORKING}.HTTPIngressRuleValue", required=("paths",)),
    Rules(f"{_NETWORKING}.IngressBackend", validate=_backend),
    Rules(f"{_NETWORKING}.IngressServiceBackend", required=("name",), validate=_service),
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
    ),
    Rules(f"{_NETWORKING}.NetworkPolicyPeer", validate=_peer),
    Rules(
        f"{_NETWORKING}.NetworkPolicyPort",
        defaults={"protocol": "TCP"},
        enums={"protocol": ("SCTP", "TCP", "UDP")},
        validate=_port_range,
    ),
    Rules(f"{_NETWORKING}.IPBlock", validate=_block),
    Rules(f"{_NETWORKING}.ServiceCIDRSpec", required=("cidrs",)),
)
