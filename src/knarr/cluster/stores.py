"""The store that a cluster's configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from knarr.cluster.config import Config
from knarr.cluster.datastore import Datastore, read
from knarr.cluster.errors import UserError
from knarr.machinery.times import TimeError, parse_duration

if TYPE_CHECKING:
    import ssl

    from knarr.machinery.clock import Clock
    from knarr.storage.etcd import Credentials
    from knarr.storage.store import Store


def datastore_of(config: Config) -> Datastore:
    return read(config.datastore) if config.datastore else Datastore("sqlite", config.database)


def compaction_interval(config: Config) -> float:
    """Seconds. Raises TimeError."""
    text = config.etcd_compaction_interval
    if (seconds := parse_duration("0s" if text == "0" else text)) < 0:
        raise TimeError(f"{text} is less than nothing")
    return seconds


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
    if config.etcd_prefix != "/registry" and found.engine != "etcd":
        return ["--etcd-prefix is for etcd"]
    if not config.etcd_prefix.startswith("/"):
        return [f"--etcd-prefix {config.etcd_prefix} must begin with a slash"]
    try:
        compaction_interval(config)
    except TimeError as error:
        return [f"--etcd-compaction-interval: {error}"]
    if bool(found.user) != bool(config.etcd_password_file):
        return ["a user, as in etcd://user@host, and --etcd-password-file go together"]
    return []


def places(config: Config) -> Callable[[str], bytes]:
    """What the engine itself calls the store's keys."""
    if datastore_of(config).engine != "etcd":
        return str.encode
    from knarr.storage.etcd.ranges import Keys

    return Keys(root=config.etcd_prefix).stored


async def open_store(
    config: Config, clock: Clock, decode: Callable[[str, bytes], bytes], *, forgetful: bool = False
) -> Store:
    """The cluster's store; `decode` reads what other servers have written to it. `forgetful`: of what it has let go
    nothing stays on the disk, as far as that is ours to say. Raises UserError.
    """
    from knarr.storage.store import StoreError

    found = datastore_of(config)
    try:
        return await _open(found, config, clock, decode, forgetful=forgetful)
    except StoreError as error:
        where = config.datastore or found.path
        raise UserError(f"the store {where} cannot be opened: {error}") from None


async def _open(
    found: Datastore, config: Config, clock: Clock, decode: Callable[[str, bytes], bytes], *, forgetful: bool
) -> Store:
    """Each engine is imported where it is wanted: nobody waits for another's."""
    if found.engine == "memory":
        from knarr.storage.memory import MemoryStore

        return MemoryStore(clock)
    if found.engine == "sqlite":
        from knarr.storage.sqlite import SqliteStore

        return await SqliteStore.open(found.path, clock, forgetful=forgetful)
    return await _open_etcd(found, config, clock, decode)


async def _open_etcd(found: Datastore, config: Config, clock: Clock, decode: Callable[[str, bytes], bytes]) -> Store:
    from knarr.storage.etcd import EtcdStore

    try:
        tls, credentials = _tls(config) if found.secure else None, _credentials(found, config)
    except OSError as error:  # ssl.SSLError is one
        raise UserError(f"the files for etcd cannot be used: {error}") from None
    return await EtcdStore.open(
        found.endpoints,
        clock,
        tls=tls,
        credentials=credentials,
        decode=decode,
        root=config.etcd_prefix,
        keep_seconds=compaction_interval(config),
    )


def _tls(config: Config) -> ssl.SSLContext:
    from knarr.wire.tls import client_context

    names = (config.etcd_cafile, config.etcd_certfile, config.etcd_keyfile)
    return client_context(*(Path(name) if name else None for name in names), protocols=("h2",))


def _credentials(found: Datastore, config: Config) -> Credentials | None:
    from knarr.storage.etcd import Credentials

    return Credentials(found.user, Path(config.etcd_password_file).read_text().strip()) if found.user else None
