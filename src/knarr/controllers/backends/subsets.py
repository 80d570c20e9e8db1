"""The subsets of Endpoints: every address with all its ports, packed so that those with the same ports stand together.

The canonical form of upstream's endpoints package: an address stands in one subset only, sorted, and at most a
thousand of them in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from knarr.controllers.backends.slices import Address, Port, Subset

CAPACITY = 1000  # addresses


def pack(answers: Iterable[tuple[Address, bool, Iterable[Port]]]) -> tuple[Subset, ...]:
    """Addresses, whether each is ready, and the ports at which it answers, as canonical subsets."""
    merged: dict[tuple[str, str, bool], tuple[Address, frozenset[Port]]] = {}
    for address, ready, ports in answers:
        key = (*_address_order(address), ready)
        known = merged.get(key, (address, frozenset()))
        merged[key] = (known[0], known[1].union(ports))
    groups: dict[frozenset[Port], list[tuple[Address, bool]]] = defaultdict(list)
    for (_, _, ready), (address, at) in sorted(merged.items(), key=lambda item: item[0]):
        groups[at].append((address, ready))
    subsets = [_subset(tuple(sorted(at, key=_port_order)), group) for at, group in groups.items()]
    return tuple(sorted(subsets, key=lambda subset: [*map(_port_order, subset.ports)]))


def _subset(ports: tuple[Port, ...], answers: Sequence[tuple[Address, bool]]) -> Subset:
    return Subset(
        addresses=tuple(address for address, ready in answers if ready),
        not_ready_addresses=tuple(address for address, ready in answers if not ready),
        ports=ports,
    )


def _address_order(address: Address) -> tuple[str, str]:
    return address.ip, address.target_ref.uid if address.target_ref else ""


def _port_order(port: Port) -> tuple[int, str, str]:
    return port.port or 0, port.protocol, port.name


def truncate(subsets: Sequence[Subset]) -> tuple[tuple[Subset, ...], bool]:
    """Subsets with no more addresses than fit, and whether any were left out: ready ones stay first, each subset
    loses in proportion.
    """
    ready, unready = [len(s.addresses) for s in subsets], [len(s.not_ready_addresses) for s in subsets]
    if sum(ready) + sum(unready) <= CAPACITY:
        return tuple(subsets), False
    kept = _shares(ready, CAPACITY)
    spare = _shares(unready, CAPACITY - sum(kept))
    cut = [
        msgspec.structs.replace(s, addresses=s.addresses[:yes], not_ready_addresses=s.not_ready_addresses[:no])
        for s, yes, no in zip(subsets, kept, spare, strict=True)
    ]
    return tuple(s for s in cut if s.addresses or s.not_ready_addresses), True


def _shares(sizes: Sequence[int], capacity: int) -> list[int]:
    """Each size's share of the capacity, in proportion; the rounding adds up."""
    total = sum(sizes)
    if total <= capacity:
        return list(sizes)
    ends = [end * capacity // total for end in accumulate(sizes)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
