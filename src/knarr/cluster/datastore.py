"""Where a cluster keeps its state, as a user names it.

sqlite:///path          one file on this machine
etcd://host:port,...    an etcd cluster over TLS; etcd+http:// without, for one on loopback; user@ before the hosts
memory:                 gone with the server
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knarr.cluster.errors import UserError

DEFAULT_PORT = 2379
FORMS = "sqlite:///path, etcd://host:port,... or memory:"


@dataclass(frozen=True, slots=True)
class Datastore:
    """What an address names: an engine, and what that engine has to be told."""

    engine: Literal["sqlite", "etcd", "memory"]
    path: Path = Path()
    endpoints: tuple[str, ...] = ()
    secure: bool = True
    user: str = ""

    @property
    def shared(self) -> bool:
        """Whether other servers may be on it at the same time."""
        return self.engine == "etcd"


def read(text: str) -> Datastore:
    """What a user has named. Raises UserError."""
    scheme, _, rest = text.partition(":")
    place = rest.removeprefix("//")
    if scheme == "memory" and not place:
        return Datastore("memory")
    if scheme == "sqlite" and place.startswith("/"):
        return Datastore("sqlite", Path(place))
    if scheme in ("etcd", "etcd+http") and place != rest:
        user, _, hosts = place.rpartition("@")
        if ":" in user:
            raise UserError("a password does not belong into an address, where others see it: --etcd-password-file")
        endpoints = tuple(_endpoint(host.strip()) for host in hosts.rstrip("/").split(","))
        if scheme != "etcd" and not all(map(_is_here, endpoints)):
            raise UserError(f"{text} would send all in the clear: without TLS, etcd has to be on loopback")
        return Datastore("etcd", endpoints=endpoints, secure=scheme == "etcd", user=user)
    raise UserError(f"{text} is no datastore: it is {FORMS}")


def of_servers(servers: str) -> str:
    """The datastore that upstream's --etcd-servers=https://host:port,... names. Raises UserError."""
    schemes, hosts = set(), []
    for server in servers.split(","):
        scheme, _, host = server.strip().partition("://")
        schemes.add(scheme)
        hosts.append(host.rstrip("/"))
    if schemes not in ({"https"}, {"http"}) or not all(hosts):
        raise UserError(f"{servers} are no etcd servers like https://host:2379, all with TLS or all without")
    return f"{'etcd' if schemes == {'https'} else 'etcd+http'}://{','.join(hosts)}"


def _endpoint(host: str) -> str:
    """With its port. Raises UserError."""
    name, colon, port = host.rpartition(":")
    if host and (not colon or host.endswith("]")):
        return f"{host}:{DEFAULT_PORT}"
    if not name or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UserError(f"{host or 'nothing'} is no address of an etcd server: it is host:port")
    return host


def _is_here(endpoint: str) -> bool:
    host = endpoint.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
