"""Kubernetes' IP and CIDR libraries.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import ClassVar

from knarr.machinery.cel.costs import scaled
from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import Extent, Measure, overload
from knarr.machinery.cel.libraries import costs

_LONGEST = 16  # bytes of an address


@dataclass(frozen=True, slots=True)
class IP:
    """An address as expressions see it."""

    cel_type: ClassVar[str] = "net.IP"
    address: IPv4Address | IPv6Address

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class CIDR:
    """An address with the length of its network's prefix."""

    cel_type: ClassVar[str] = "net.CIDR"
    address: IPv4Address | IPv6Address
    network: IPv4Network | IPv6Network

    def __str__(self) -> str:
        return f"{self.address}/{self.network.prefixlen}"


def _ip(text: str) -> IP:
    try:
        address = ip_address(text)
    except ValueError:
        raise CelError(f"IP Address {_quoted(text)} parse error during conversion from string: {_why(text)}") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise CelError(f"IP address with zone value {_quoted(text)} is not allowed")
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise CelError(f"IPv4-mapped IPv6 address {_quoted(text)} is not allowed")
    return IP(address)


def _cidr(text: str) -> CIDR:
    host, slash, length = text.partition("/")
    try:
        if not slash or not length.isdigit() or (length.startswith("0") and length != "0"):
            raise ValueError
        address, network = ip_address(host), ip_network(text, strict=False)
    except ValueError:
        why = f'netip.ParsePrefix("{text}"): {"no " + chr(39) + "/" + chr(39) if not slash else "bad prefix"}'
        raise CelError(f"network address parse error during conversion from string: {why}") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise CelError(f"CIDR with zone value {_quoted(text)} is not allowed")
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise CelError(f"IPv4-mapped IPv6 address {_quoted(text)} is not allowed")
    return CIDR(address, network)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _why(text: str) -> str:
    return f'ParseAddr("{text}"): unable to parse IP'


def _is(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except CelError:
        return False
    return True


def _is_ip(text: str) -> bool:
    return _is(_ip, text)


def _is_cidr(text: str) -> bool:
    return _is(_cidr, text)


def _is_canonical(text: str) -> bool:
    return str(_ip(text)) == text


def _is_global_unicast(ip: IP) -> bool:
    address = ip.address
    broadcast = isinstance(address, IPv4Address) and int(address) == 2**32 - 1
    no = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not (no or broadcast)


def _is_link_local_multicast(ip: IP) -> bool:
    address = ip.address
    if isinstance(address, IPv4Address):
        return address in IPv4Network("224.0.0.0/24")
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02


def _contains_ip(cidr: CIDR, ip: IP | str) -> bool:
    address = (_ip(ip) if isinstance(ip, str) else ip).address
    return address.version == cidr.network.version and address in cidr.network


def _contains_cidr(cidr: CIDR, other: CIDR | str) -> bool:
    found = _cidr(other) if isinstance(other, str) else other
    inside = _contains_ip(cidr, IP(found.network.network_address))
    return inside and found.network.prefixlen >= cidr.network.prefixlen


def _containment(extra: int, *, parses: bool) -> Measure:
    """Comparing addresses, twice their length, and reading the other one."""

    def measure(_: Extent, other: Extent) -> int:
        fixed = scaled(2 * _LONGEST, costs.TRAVERSAL) + extra
        return fixed + (scaled(other.size, costs.TRAVERSAL) if parses else 0)

    return measure


_MASK = scaled(_LONGEST, costs.TRAVERSAL) + 1
OVERLOADS = (
    overload("ip(string) -> net.IP", _ip, costs.traverse()),
    overload("isIP(string) -> bool", _is_ip, costs.traverse()),
    overload("ip.isCanonical(string) -> bool", _is_canonical, costs.traverse(times=2)),
    overload("string(net.IP) -> string", str),
    overload("net.IP.family() -> int", lambda ip: ip.address.version),
    overload("net.IP.isUnspecified() -> bool", lambda ip: ip.address.is_unspecified),
    overload("net.IP.isLoopback() -> bool", lambda ip: ip.address.is_loopback),
    overload("net.IP.isLinkLocalMulticast() -> bool", _is_link_local_multicast),
    overload("net.IP.isLinkLocalUnicast() -> bool", lambda ip: ip.address.is_link_local),
    overload("net.IP.isGlobalUnicast() -> bool", _is_global_unicast),
    overload("cidr(string) -> net.CIDR", _cidr, costs.traverse()),
    overload("isCIDR(string) -> bool", _is_cidr, costs.traverse()),
    overload("string(net.CIDR) -> string", str),
    overload("net.CIDR.containsIP(net.IP) -> bool", _contains_ip, _containment(0, parses=False)),
    overload("net.CIDR.containsIP(string) -> bool", _contains_ip, _containment(0, parses=True)),
    overload("net.CIDR.containsCIDR(net.CIDR) -> bool", _contains_cidr, _containment(_MASK, parses=False)),
    overload("net.CIDR.containsCIDR(string) -> bool", _contains_cidr, _containment(_MASK, parses=True)),
    overload("net.CIDR.ip() -> net.IP", lambda cidr: IP(cidr.address)),
    overload("net.CIDR.masked() -> net.CIDR", lambda cidr: CIDR(cidr.network.network_address, cidr.network)),
    overload("net.CIDR.prefixLength() -> int", lambda cidr: cidr.network.prefixlen),
)
