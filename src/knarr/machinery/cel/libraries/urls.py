"""Kubernetes' URL library, after Go's net/url.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import ClassVar
from urllib.parse import parse_qsl, quote

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs

_ABSOLUTE = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?"
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d*))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class URL:
    """A parsed URL; `path` is escaped."""

    cel_type: ClassVar[str] = "kubernetes.URL"
    scheme: str
    host: str  # with its port
    hostname: str
    port: str
    path: str
    query: str


def parse(text: str) -> URL:
    """Raises CelError for what is no absolute URL."""
    if text.startswith("/"):
        path, _, query = text.partition("?")
        return URL("", "", "", "", _escaped(path, text), query)
    match = _ABSOLUTE.fullmatch(text)
    if not match or _CONTROL.search(text):
        why = "net/url: invalid control character in URL" if match else "invalid URI for request"
        raise _error(text, why)
    authority = (match["authority"] or "").rpartition("@")[2]
    host = _HOST.fullmatch(authority)
    if not host:
        raise _error(text, _bad_host(authority))
    if not match["authority"] and not match["path"].startswith("/"):
        return URL(match["scheme"].lower(), "", "", "", "", match["query"] or "")
    hostname = host["host"].strip("[]")
    if host["host"].startswith("["):
        _check_address(hostname, text)
    path = _escaped(match["path"], text)
    return URL(match["scheme"].lower(), authority, hostname, host["port"] or "", path, match["query"] or "")


def _bad_host(authority: str) -> str:
    if "[" in authority and "]" not in authority:
        return "missing ']' in host"
    port = authority[authority.rfind(":") :]
    return f'invalid port "{port}" after host'


def _check_address(hostname: str, text: str) -> None:
    try:
        IPv6Address(hostname.partition("%")[0])
    except ValueError:
        raise _error(text, "invalid host") from None


def _escaped(path: str, text: str) -> str:
    if bad := _BAD_ESCAPE.search(path):
        raise _error(text, f'invalid URL escape "{bad[0]}"')
    return quote(path, safe="/%$&+,:;=@!~*'()-._")


def _error(text: str, why: str) -> CelError:
    return CelError(f'URL parse error during conversion from string: parse "{text}": {why}')


def _is_url(text: str) -> bool:
    try:
        parse(text)
    except CelError:
        return False
    return True


def _query(url: URL) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(url.query, keep_blank_values=True):
        found.setdefault(key, []).append(value)
    return found


OVERLOADS = (
    overload("url(string) -> kubernetes.URL", parse, costs.traverse()),
    overload("isURL(string) -> bool", _is_url, costs.traverse()),
    overload("kubernetes.URL.getScheme() -> string", lambda url: url.scheme),
    overload("kubernetes.URL.getHost() -> string", lambda url: url.host),
    overload("kubernetes.URL.getHostname() -> string", lambda url: url.hostname),
    overload("kubernetes.URL.getPort() -> string", lambda url: url.port),
    overload("kubernetes.URL.getEscapedPath() -> string", lambda url: url.path),
    overload("kubernetes.URL.getQuery() -> map<string, list<string>>", _query),
)
