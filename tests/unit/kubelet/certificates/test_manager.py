"""When another certificate is asked for, and what happens when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from knarr.kubelet.certificates.manager import Manager
from knarr.kubelet.certificates.pairs import Pair, RefusedError
from knarr.kubelet.certificates.store import Store
from knarr.machinery.clock import VirtualClock
from tests.unit.kubelet.certificates.issuer import pair

LIFE = timedelta(days=10)
PART = LIFE.total_seconds() / 100


class Bench:
    """A manager whose signer answers at once, as long as it is willing; `asked` is when, in seconds."""

    def __init__(self, directory: Path, draw: float = 0.5, wanted: Sequence[str] = ()) -> None:
        self.clock, self.store = VirtualClock(), Store(directory, "kubelet-server")
        self.willing, self.hosts, self.wanted = True, tuple(wanted), wanted
        self.asked: list[float] = []
        self.failures = 0
        self.replaced: list[float] = []
        self.manager = Manager(
            self.store,
            self.clock,
            self.ask,
            names=lambda: self.wanted,
            rotated=self.replaced.append,
            failed=self.failed,
            draw=lambda: draw,
        )
        self.running: asyncio.Task[None] | None = None

    async def ask(self) -> Pair:
        self.asked.append(self.clock.monotonic())
        if not self.willing:
            raise RefusedError("no")
        return pair(self.clock.now(), LIFE, *self.hosts)

    def failed(self) -> None:
        self.failures += 1

    def have(self, age: float = 0.0, *hosts: str) -> None:
        """A certificate that is so many hundredths of its life old."""
        made = pair(self.clock.now() - timedelta(seconds=age * PART), LIFE, *hosts)
        self.store.keep(made.certificate, made.key, self.clock.now())

    async def run(self, parts: float = 0.0) -> None:
        self.running = self.running or asyncio.create_task(self.manager.run())
        await self.clock.advance(parts * PART)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    if made.running:
        made.running.cancel()


async def test_without_one_it_is_asked_for_at_once(bench: Bench) -> None:
    await bench.run()
    await bench.manager.there()
    assert bench.asked == [0]
    assert bench.replaced == []


@pytest.mark.parametrize(("draw", "parts"), [(0.0, 70), (0.5, 80), (1.0, 90)])
async def test_the_next_is_asked_for_between_seven_and_nine_tenths_of_its_life(
    tmp_path: Path, draw: float, parts: int
) -> None:
    bench = Bench(tmp_path, draw)
    bench.have()
    await bench.run(parts - 0.01)
    assert bench.asked == []
    await bench.run(0.02)
    assert bench.asked == [parts * PART]
    assert bench.replaced == [parts * PART]
    await bench.run(parts)
    assert len(bench.asked) == 2
    assert bench.running
    bench.running.cancel()


async def test_one_that_is_old_at_the_start_is_replaced_at_once_and_serves_until_then(bench: Bench) -> None:
    bench.have(95)
    bench.willing = False
    await bench.run()
    await bench.manager.there()
    assert bench.asked == [0]


async def test_one_that_has_ended_is_none(bench: Bench) -> None:
    bench.have(101)
    bench.willing = False
    await bench.run()
    waiting = asyncio.create_task(bench.manager.there())
    await bench.run(60 / PART)
    assert not waiting.done()
    bench.willing = True
    await bench.run(60 / PART)
    assert waiting.done()


async def test_pauses_between_attempts_grow_to_half_a_minute(bench: Bench) -> None:
    bench.willing = False
    await bench.run(200 / PART)
    pauses = [later - earlier for earlier, later in zip(bench.asked, bench.asked[1:], strict=False)]
    assert pauses[:6] == pytest.approx([1.9, 3.8, 7.6, 15.2, 30.4, 30.4])
    assert bench.failures == len(bench.asked)


async def test_after_success_pauses_are_short_again(bench: Bench) -> None:
    bench.willing = False
    await bench.run(200 / PART)
    bench.willing = True
    await bench.run(1)
    assert bench.store.read()
    bench.willing = False
    before = len(bench.asked)
    await bench.run(79)
    assert len(bench.asked) == before
    await bench.run(100 / PART)
    first, second = bench.asked[before : before + 2]
    assert second - first == pytest.approx(1.9)


async def test_one_for_other_hosts_is_replaced_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, wanted=("n1",))
    bench.have(0, "n1", "elsewhere")
    await bench.run()
    assert bench.asked == []
    bench.wanted = bench.hosts = ("n1", "n1.example")
    await bench.run(3600 / PART)
    assert len(bench.asked) == 1
    assert bench.running
    bench.running.cancel()


async def test_a_signer_who_leaves_names_out_is_not_asked_without_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, wanted=("n1",))
    bench.hosts = ("other",)
    await bench.run(60 / PART)
    assert len(bench.asked) == 6
    assert bench.running
    bench.running.cancel()


async def test_one_that_somebody_put_there_by_hand_counts_from_its_own_beginning(bench: Bench) -> None:
    bench.have()
    await bench.run(60)
    bench.have()
    await bench.run(79)
    assert bench.asked == []
    await bench.run(1.1)
    assert len(bench.asked) == 1
