"""What a Pod has of its node and is told of others: namespaces of the host, ports, names and where to ask for them."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, required
from knarr.machinery.names import dns1123_label, dns1123_subdomain, ip

_CORE = "io.k8s.api.core.v1"
_NAMESERVERS, _SEARCHES, _SEARCH_CHARACTERS = 3, 32, 2048
_SYSCTLS = {  # what is the host's where a Pod shares the namespace
    "hostNetwork": ("net.",),
    "hostIPC": ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."),
}


def _host_ports(spec: JSON, path: str) -> Iterable[FieldError]:
    """Two containers of a Pod cannot have the same port of the host; on the host's network ports are the host's."""
    taken: set[str] = set()
    for index, container in enumerate(each(spec, "containers")):
        for number, port in enumerate(container.get("ports") or ()):
            where, host = f"{path}.containers[{index}].ports[{number}].hostPort", port.get("hostPort")
            if not host:
                continue
            key = f"{port.get('protocol', 'TCP')}/{port.get('hostIP', '')}/{host}"
            if key in taken:
                yield duplicate(where, key)
            taken.add(key)
            if spec.get("hostNetwork") and host != port.get("containerPort"):
                yield invalid(where, host, "must match `containerPort` when `hostNetwork` is true")


def _namespaces(spec: JSON, path: str) -> Iterable[FieldError]:
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        where = f"{path}.securityContext.shareProcessNamespace"
        yield invalid(where, True, "ShareProcessNamespace and HostPID cannot both be enabled")
    for flag, prefixes in _SYSCTLS.items():
        if spec.get(flag):
            yield from _shared_sysctls(spec, f"{path}.securityContext.sysctls", flag, prefixes)


def _shared_sysctls(spec: JSON, path: str, flag: str, prefixes: tuple[str, ...]) -> Iterable[FieldError]:
    for index, sysctl in enumerate(dig(spec, "securityContext.sysctls", ())):
        name = (sysctl.get("name") or "").replace("/", ".")
        if name.startswith(prefixes):
            yield invalid(f"{path}[{index}].name", name, f"may not be specified when '{flag}' is true")


def _users(spec: JSON, path: str) -> Iterable[FieldError]:
    """A Pod with users of its own shares no namespace that knows those of the host (KEP-127)."""
    if spec["hostUsers"] is not False:
        return
    for flag, said in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(flag):
            yield forbidden(f"{path}.{said}", "when `hostUsers` is false")


def _override(spec: JSON, path: str) -> Iterable[FieldError]:
    """A name in the place of all that a Pod is called otherwise (KEP-4762)."""
    where = f"{path}.hostnameOverride"
    yield from named(where, spec["hostnameOverride"], dns1123_subdomain)
    if len(spec["hostnameOverride"]) > 64:
        yield invalid(where, spec["hostnameOverride"], "must be no more than 64 bytes")
    for field in ("hostNetwork", "setHostnameAsFQDN"):
        if spec.get(field):
            yield forbidden(where, f"cannot be specified when `{field}` is true")


def _dns_policy(spec: JSON, path: str) -> Iterable[FieldError]:
    if spec["dnsPolicy"] == "None" and not dig(spec, "dnsConfig.nameservers"):
        where = f"{path}.dnsConfig" + (".nameservers" if spec.get("dnsConfig") is not None else "")
        yield required(where, "must provide at least one DNS nameserver when `dnsPolicy` is None")


def _dns(config: JSON, path: str) -> Iterable[FieldError]:
    servers, searches = each(config, "nameservers"), each(config, "searches")
    if len(servers) > _NAMESERVERS:
        yield invalid(f"{path}.nameservers", servers, f"must not have more than {_NAMESERVERS} nameservers")
    for index, server in enumerate(servers):
        yield from named(f"{path}.nameservers[{index}]", server, ip)
    if len(searches) > _SEARCHES:
        yield invalid(f"{path}.searches", searches, f"must not have more than {_SEARCHES} search paths")
    if len(" ".join(searches)) > _SEARCH_CHARACTERS:
        detail = f"must not have more than {_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        yield invalid(f"{path}.searches", searches, detail)
    for index, search in enumerate(searches):
        if search != ".":
            bare = search.removesuffix(".").replace("_", "-")  # which a part may begin with, as SRV's do
            yield from named(f"{path}.searches[{index}]", bare.removeprefix("-"), dns1123_subdomain)
    for index, option in enumerate(each(config, "options")):
        if not option.get("name"):
            yield required(f"{path}.options[{index}]", "must not be empty")


def _host_alias(alias: JSON, path: str) -> Iterable[FieldError]:
    yield from named(f"{path}.ip", alias.get("ip") or "", ip)
    for index, name in enumerate(alias.get("hostnames") or ()):
        yield from named(f"{path}.hostnames[{index}]", name, dns1123_subdomain)


RULES = (
    Rules(f"{_CORE}.PodSpec", names={"hostname": dns1123_label, "subdomain": dns1123_label}, validate=_host_ports),
    Rules(f"{_CORE}.PodSpec", validate=_namespaces, when=frozenset({"hostIPC", "hostNetwork", "hostPID"})),
    Rules(f"{_CORE}.PodSpec", validate=_users, when=frozenset({"hostUsers"})),
    Rules(f"{_CORE}.PodSpec", validate=_override, when=frozenset({"hostnameOverride"})),
    Rules(
        f"{_CORE}.PodSpec",
        enums={"dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")},
        validate=_dns_policy,
        when=frozenset({"dnsPolicy"}),
    ),
    Rules(f"{_CORE}.PodDNSConfig", validate=_dns),
    Rules(f"{_CORE}.HostAlias", undemanded=("ip",), validate=_host_alias),
)
