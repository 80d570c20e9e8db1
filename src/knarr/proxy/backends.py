"""Which endpoints the traffic of a service port goes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from knarr.proxy.objects import Endpoint, EndpointSlice, ServicePort


class Backend(NamedTuple):
    """An address of an endpoint and the port that it listens on."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Backends:
    """Those of the whole cluster and those of this node; each sorted, without duplicates."""

    everywhere: tuple[Backend, ...]
    here: tuple[Backend, ...]


def choose(port: ServicePort, slices: Iterable[EndpointSlice], node: str) -> Backends:
    """The ready endpoints; where there are none, those that still serve while they terminate (KEP-1669)."""
    found = [*_candidates(port, slices)]
    return Backends(_best(found), _best([(e, b) for e, b in found if e.node_name == node]))


def _best(candidates: list[tuple[Endpoint, Backend]]) -> tuple[Backend, ...]:
    chosen = {b for e, b in candidates if e.ready} or {b for e, b in candidates if e.draining}
    return tuple(sorted(chosen))


def _candidates(port: ServicePort, slices: Iterable[EndpointSlice]) -> Iterator[tuple[Endpoint, Backend]]:
    for piece in slices:
        if piece.address_type != "IPv4":
            continue
        for target in piece.ports:
            if (target.name or "", target.protocol) == (port.name, port.protocol) and target.port:
                for endpoint in piece.endpoints:
                    # One endpoint is one Pod: consumers take its first address (discovery/v1).
                    yield from ((endpoint, Backend(address, target.port)) for address in endpoint.addresses[:1])
