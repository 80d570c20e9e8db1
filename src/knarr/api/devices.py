"""Names around devices: of drivers, pools, attributes, and of a claim's requests (KEP-4381)."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.names import c_identifier, dns1123_subdomain, too_long

_DRIVER_LENGTH, _POOL_LENGTH, _IDENTIFIER_LENGTH = 63, 253, 32


def request_names(claim: JSON) -> frozenset[str]:
    """What may be referred to: requests, and their alternatives as `request/alternative`."""
    names: set[str] = set()
    for request in each(claim, "requests"):
        name = request.get("name", "")
        names.add(name)
        names |= {f"{name}/{alternative.get('name', '')}" for alternative in each(request, "firstAvailable")}
    return frozenset(names)


def driver_name(name: str) -> list[str]:
    """A subdomain as short as a label."""
    return [*([too_long(_DRIVER_LENGTH)] if len(name) > _DRIVER_LENGTH else []), *dns1123_subdomain(name.lower())]


def pool_name(name: str) -> list[str]:
    """Subdomains with slashes between them."""
    errors = [too_long(_POOL_LENGTH)] if len(name) > _POOL_LENGTH else []
    return errors + [message for part in name.split("/") for message in dns1123_subdomain(part)]


def attribute_name(name: str) -> list[str]:
    """An identifier of C, which a domain may precede; without one it is the driver's."""
    domain, slash, identifier = name.rpartition("/")
    if not slash:
        return _identifier(identifier)
    return [
        *(driver_name(domain) if domain else ["the domain must not be empty"]),
        *(_identifier(identifier) if identifier else ["the name must not be empty"]),
    ]


def fully_qualified(name: str) -> list[str]:
    """An attribute's name with its domain."""
    bare = "/" not in name
    return attribute_name(name) + (["a fully qualified name must be a domain and a name separated by a slash"] * bare)


def _identifier(name: str) -> list[str]:
    return [*([too_long(_IDENTIFIER_LENGTH)] if len(name) > _IDENTIFIER_LENGTH else []), *c_identifier(name)]
