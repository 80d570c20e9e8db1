"""When servers of aggregated APIs are told of other authorities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knarr.cluster.apiserver.authentication import extension_authentication
from knarr.cluster.apiserver.trusting import keep_told
from knarr.cluster.config import Config
from knarr.cluster.flags.authentication import Authentication
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from knarr.machinery.clock import VirtualClock
from knarr.storage.store import UnavailableError
from tests.api.certificates import Authority

NAME = "requestheader-client-ca-file"


class Bench:
    """Authorities in a file that a flag names; `said` is what was told each time."""

    def __init__(self, directory: Path) -> None:
        (directory / "pki").mkdir()
        Authority(directory / "pki")
        self.file = Authority(directory, "first").file
        self.other = Authority(directory, "second").file.read_text()
        flags = Authentication(requestheader_client_ca_file=File(str(self.file)))
        config = Config(data=str(directory), api=APIFlags(authentication=flags))
        self.clock, self.told, self.failing = VirtualClock(), extension_authentication(config), False
        self.said: list[str] = []
        self.task = asyncio.create_task(keep_told(config, self.clock, self.told, self.tell))

    async def tell(self) -> None:
        if self.failing:
            raise UnavailableError("no store")
        self.said.append(self.told[NAME])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.task.cancel()


async def test_they_are_told_of_a_change_within_a_minute_and_once(bench: Bench) -> None:
    await bench.clock.advance(600)
    assert bench.said == []
    bench.file.write_text(bench.other)
    await bench.clock.advance(60)
    assert bench.said == [bench.other]
    await bench.clock.advance(600)
    assert len(bench.said) == 1


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nMIIB"])
async def test_a_file_without_certificates_is_not_told(bench: Bench, content: str) -> None:
    bench.file.write_text(content)
    await bench.clock.advance(120)
    assert bench.said == []
    bench.file.write_text(bench.other)
    await bench.clock.advance(60)
    assert bench.said == [bench.other]


async def test_what_could_not_be_told_is_told_later(bench: Bench) -> None:
    bench.failing = True
    bench.file.write_text(bench.other)
    await bench.clock.advance(60)
    bench.failing = False
    await bench.clock.advance(60)
    assert bench.said == [bench.other]


async def test_the_clusters_own_are_not_watched() -> None:
    async with asyncio.timeout(5):
        await keep_told(Config(), VirtualClock(), {}, asyncio.Event().wait)
