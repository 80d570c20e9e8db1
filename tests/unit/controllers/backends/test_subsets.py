"""The canonical form of Endpoints."""

from __future__ import annotations

from knarr.controllers.backends.slices import Address, Port, Subset
from knarr.controllers.backends.subsets import pack, truncate

HTTP, HTTPS = Port(name="http", port=80), Port(name="https", port=443)


def addresses(*ips: str) -> tuple[Address, ...]:
    return tuple(Address(ip=ip) for ip in ips)


def test_addresses_with_the_same_ports_stand_together_sorted() -> None:
    one, two, three = addresses("10.0.0.1", "10.0.0.2", "10.0.0.3")
    packed = pack([(two, True, [HTTPS, HTTP]), (one, True, [HTTP]), (one, True, [HTTPS]), (three, False, [HTTP])])
    assert packed == (
        Subset(not_ready_addresses=(three,), ports=(HTTP,)),
        Subset(addresses=(one, two), ports=(HTTP, HTTPS)),
    )


def test_ready_and_not_ready_ones_share_a_subset() -> None:
    one, two = addresses("10.0.0.1", "10.0.0.2")
    expected = Subset(addresses=(two,), not_ready_addresses=(one,), ports=(HTTP,))
    assert pack([(one, False, [HTTP]), (two, True, [HTTP])]) == (expected,)


def test_without_ports() -> None:
    (one,) = addresses("10.0.0.1")
    assert pack([(one, True, [])]) == (Subset(addresses=(one,)),)


def many(count: int, prefix: str = "10.0") -> tuple[Address, ...]:
    return tuple(Address(ip=f"{prefix}.{n // 250}.{n % 250}") for n in range(count))


def sizes(subsets: tuple[Subset, ...]) -> list[tuple[int, int]]:
    return [(len(s.addresses), len(s.not_ready_addresses)) for s in subsets]


def test_what_fits_is_left_alone() -> None:
    subsets = (Subset(addresses=many(999), not_ready_addresses=many(1)),)
    assert truncate(subsets) == (subsets, False)


def test_ready_ones_have_the_first_claim() -> None:
    cut, over = truncate((Subset(addresses=many(900), not_ready_addresses=many(300)),))
    assert (sizes(cut), over) == ([(900, 100)], True)


def test_subsets_lose_in_proportion() -> None:
    cut, over = truncate((Subset(addresses=many(1500)), Subset(addresses=many(500), not_ready_addresses=many(50))))
    assert (sizes(cut), over) == ([(750, 0), (250, 0)], True)
