"""Checks that the rules of several definitions share; each yields field errors in upstream's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported, required, too_long
from knarr.machinery.names import dns1123_subdomain, ip, label_value, port_name, port_number, qualified_name

_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
IMMUTABLE = "field is immutable"
NO_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def named(path: str, name: str, check: Callable[[str], Iterable[str]]) -> list[FieldError]:
    """What a check of machinery.names has against a value."""
    return [invalid(path, name, message) for message in check(name)]


def unique(path: str, items: Iterable[JSON], key: str = "name") -> Iterable[FieldError]:
    """Items of a list must differ in one field; those without it are somebody else's business."""
    seen: set[Any] = set()
    for index, item in enumerate(items):
        value = item.get(key)
        if value and value in seen:
            yield duplicate(f"{path}[{index}].{key}", value)
        seen.add(value)


def distinct(path: str, items: Iterable[Any], key: Callable[[Any], Any] = lambda item: item) -> Iterable[FieldError]:
    """No two items have the same key; the second one is at fault."""
    seen: set[Any] = set()
    for index, item in enumerate(items):
        if (found := key(item)) in seen:
            yield duplicate(f"{path}[{index}]", found)
        seen.add(found)


def one_source(path: str, holder: JSON, members: Collection[str], noun: str) -> Iterable[FieldError]:
    """Exactly one member of a union is given."""
    given = [name for name in holder if name in members]
    if not given:
        yield required(path, f"must specify a {noun}")
    for name in given[1:]:
        yield forbidden(f"{path}.{name}", f"may not specify more than 1 {noun}")


def labels(path: str, given: Mapping[str, str] | None) -> Iterable[FieldError]:
    for key, value in (given or {}).items():
        yield from named(path, key, qualified_name)
        yield from named(path, value, label_value)


def unchanged(path: str, new: Any, old: Any) -> Iterable[FieldError]:
    if new != old:
        yield invalid(path, new, IMMUTABLE)


def member(path: str, value: Any, allowed: Sequence[str]) -> Iterable[FieldError]:
    if value not in allowed:
        yield not_supported(path, value, allowed)


def port_or_name(path: str, port: int | str | None) -> Iterable[FieldError]:
    """A port as probes and Services name it."""
    if isinstance(port, int):
        yield from (invalid(path, port, message) for message in port_number(port))
    elif port is not None:
        yield from named(path, port, port_name)


def domain_prefixed_path(path: str, text: str) -> Iterable[FieldError]:
    """`acme.io/foo`."""
    domain, slash, rest = text.partition("/")
    if not text:
        yield required(path)
    elif not domain or not slash or not rest:
        yield invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        yield from named(path, domain, dns1123_subdomain)
        if not _PATH.fullmatch(rest):
            yield invalid(path, rest, f"Invalid path (regex used for validation is '{_PATH.pattern}')")


def network(text: str) -> list[str]:
    """A range of addresses, with the length of its prefix and nothing behind it (KEP-4858)."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return [NO_NETWORK]
    if "/" not in text:
        return [NO_NETWORK]
    first = ip_address(text.partition("/")[0])
    return [] if first == found.network_address else ["must not have bits set beyond the prefix length"]


def reachable(path: str, text: str) -> Iterable[FieldError]:
    """An address that a packet can be sent to from anywhere."""
    if bad := named(path, text, ip):
        yield from bad
        return
    address = ip_address(text)
    findings = (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            address.is_multicast and text.lower().startswith(("224.0.0.", "ff02:")),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    )
    yield from (invalid(path, text, message) for found, message in findings if found)


def relative_path(path: str, given: str) -> Iterable[FieldError]:
    """A path that stays within its directory."""
    if given.startswith("/"):
        yield invalid(path, given, "must be a relative path")
    yield from no_parent(path, given)


def json_object(path: str, given: Any, longest: int) -> Iterable[FieldError]:
    """What the API server keeps without knowing it, as long as it is an object of so many bytes at most."""
    if not isinstance(given, dict):
        yield invalid(path, "<value omitted>", "parameters must be a valid JSON object")
    elif len(msgspec.json.encode(given)) > longest:
        yield too_long(path, longest)


def no_parent(path: str, given: str) -> Iterable[FieldError]:
    if ".." in given.split("/"):
        yield invalid(path, given, "must not contain '..'")
