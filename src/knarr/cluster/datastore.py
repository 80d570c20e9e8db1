"""Where a cluster keeps its state, as a user names it, and the store that it is.

sqlite:///path          one file on this machine
etcd://host:port,...    an etcd cluster over TLS; etcd+http:// without, for one on loopback; user@ before the hosts
memory:                 gone with the server
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from knarr.cluster.errors import UserError

if TYPE_CHECKING:
    import ssl

    from knarr.cluster.config import Config
    from knarr.machinery.clock import Clock
    from knarr.storage.etcd import Credentials
    from knarr.storage.store import Store

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


def datastore_of(config: Config) -> Datastore:
    return read(config.datastore) if config.datastore else Datastore("sqlite", config.database)


def problems(config: Config) -> list[str]:
    """What keeps the configuration from naming a store."""
    try:
        found = datastore_of(config)
    except UserError as error:
        return [str(error)]
    files = (config.etcd_cafile, config.etcd_certfile, config.etcd_keyfile, config.etcd_password_file)
    if any(files) and found.engine != "etcd":
        return ["certificates and passwords are for etcd"]
    if bool(config.etcd_certfile) != bool(config.etcd_keyfile):
        return ["--etcd-certfile and --etcd-keyfile go together"]
    if bool(found.user) != bool(config.etcd_password_file):
        return ["a user, as in etcd://user@host, and --etcd-password-file go together"]
    return []


async def open_store(config: Config, clock: Clock, decode: Callable[[str, bytes], bytes]) -> Store:
    """The cluster's store; `decode` reads what other servers have written to it. Raises UserError."""
    from knarr.storage.store import StoreError

    found = datastore_of(config)
    try:
        return await _open(found, config, clock, decode)
    except StoreError as error:
        where = config.datastore or found.path
        raise UserError(f"the store {where} cannot be opened: {error}") from None


async def _open(found: Datastore, config: Config, clock: Clock, decode: Callable[[str, bytes], bytes]) -> Store:
    """Each engine is imported where it is wanted: nobody waits for another's."""
    if found.engine == "memory":
        from knarr.storage.memory import MemoryStore

        return MemoryStore(clock)
    if found.engine == "sqlite":
        from knarr.storage.sqlite import SqliteStore

        return await SqliteStore.open(found.path, clock)
    return await _open_etcd(found, config, clock, decode)


async def _open_etcd(found: Datastore, config: Config, clock: Clock, decode: Callable[[str, bytes], bytes]) -> Store:
    from knarr.storage.etcd import EtcdStore

    try:
        tls, credentials = _tls(config) if found.secure else None, _credentials(found, config)
    except OSError as error:  # ssl.SSLError is one
        raise UserError(f"the files for etcd cannot be used: {error}") from None
    return await EtcdStore.open(found.endpoints, clock, tls=tls, credentials=credentials, decode=decode)


def _tls(config: Config) -> ssl.SSLContext:
    from knarr.wire.tls import client_context

    names = (config.etcd_cafile, config.etcd_certfile, config.etcd_keyfile)
    return client_context(*(Path(name) if name else None for name in names), protocols=("h2",))


def _credentials(found: Datastore, config: Config) -> Credentials | None:
    from knarr.storage.etcd import Credentials

    return Credentials(found.user, Path(config.etcd_password_file).read_text().strip()) if found.user else None


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
