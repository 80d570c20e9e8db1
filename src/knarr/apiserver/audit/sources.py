"""Where a request comes from: what it says itself, and the address at the other end, which cannot lie."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_SHORT = 1000  # characters of what is remembered
_LONGEST_AGENT = 1024  # bytes


def source_addresses(headers: Mapping[str, str], peer: str) -> tuple[str, ...]:
    """The addresses of X-Forwarded-For, then X-Real-Ip's, then the peer's: each once where it stands."""
    forwarded, real = headers.get("x-forwarded-for", ""), headers.get("x-real-ip", "")
    return (_known if len(forwarded) + len(real) < _SHORT else _sources)(forwarded, real, peer)


def _sources(forwarded: str, real: str, peer: str) -> tuple[str, ...]:
    found = [address for part in forwarded.split(",") if (address := _address(part))]
    address = _address(real)
    if address and address not in found:
        found.append(address)
    last = _address(peer)
    if last and found[-1:] != [last]:
        found.append(last)
    return tuple(found)


_known = lru_cache(maxsize=512)(_sources)


def _address(text: str) -> str:
    """In its canonical form; "" for what is none. What is IPv4 in truth is shown as that."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def user_agent(headers: Mapping[str, str]) -> str:
    """As the client calls itself, cut where it talks too much."""
    agent = headers.get("user-agent", "")
    return agent if len(agent) <= _LONGEST_AGENT else f"{agent[:_LONGEST_AGENT]}...TRUNCATED"
