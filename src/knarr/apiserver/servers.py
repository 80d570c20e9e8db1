"""The API servers of a cluster, when there are several on one store: each keeps a lease there while it lives.

The Service `kubernetes` leads to all whose lease has not ended. As upstream's --endpoint-reconciler-type=lease does it,
so that upstream's servers count as well; ours also say at which port they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.apiserver.registry import Options, Registry
from knarr.storage.store import StoreError, Write

log = logging.getLogger(__name__)

PREFIX = "/registry/masterleases/"
LEASE_SECONDS, RENEW_SECONDS = 15.0, 10.0  # upstream's


class Server(NamedTuple):
    """An API server, where others reach it."""

    address: str
    port: int


def itself(options: Options) -> Server:
    return Server(options.advertise_address, options.advertise_port)


def alive(registry: Registry) -> Sequence[Server]:
    """The server itself and those whose leases the cache shows, in the same order for all of them."""
    found = {itself(registry.options)}
    for entry in registry.cache.range(PREFIX):
        subsets = orjson.loads(entry.value).get("subsets") or [{}]
        ports = subsets[0].get("ports") or [{"port": registry.options.advertise_port}]
        found.add(Server(entry.key.removeprefix(PREFIX), ports[0]["port"]))
    return sorted(found)


async def attend(registry: Registry) -> None:
    """Keep this server's lease until cancelled, and give it back then."""
    me = itself(registry.options)
    key, value = PREFIX + me.address, msgspec.json.encode(_endpoints(me))
    try:
        while True:
            try:
                await registry.store.commit([Write(key, value, ttl=LEASE_SECONDS)])
            except StoreError as error:
                log.warning("this API server's lease was not renewed: %s", error)
            await registry.clock.sleep(RENEW_SECONDS)
    finally:
        await registry.store.commit([Write(key, None)])


def _endpoints(server: Server) -> JSON:
    subset = {"addresses": [{"ip": server.address}], "ports": [{"name": "https", "port": server.port}]}
    return {"kind": "Endpoints", "apiVersion": "v1", "metadata": {}, "subsets": [subset]}
