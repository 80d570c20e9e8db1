"""Secrets whose keys are a KMS plugin's: a real one, in a process of its own, that is away, slow, or changes keys."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.memory import MemoryStore
from tests.api.encryption import IDENTITY, SECRETS, Sealed, encrypted, keys, lying, plugin, write
from tests.api.harness import settle
from tests.kms import Plugin, kms_plugin

PREFIX = b"k8s:enc:kms:v2:plugin:"


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[Plugin]:
    with kms_plugin(tmp_path / "kms") as found:
        yield found


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    found = MemoryStore()
    yield found
    await found.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def file(tmp_path: Path, kms: Plugin) -> Path:
    return write(tmp_path / "encryption.yaml", plugin(kms.socket), IDENTITY)


def fault(server: Sealed) -> str:
    """What is wrong with the plugins, for health."""
    return server.encryption.checks()["kms-providers"]()


async def pass_by(clock: VirtualClock, seconds: float) -> None:
    """Time passes, and what it has begun comes to its end."""
    await clock.advance(seconds)
    for _ in range(20):
        await asyncio.sleep(0.01)


async def test_a_secret_s_life_costs_one_call(store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin) -> None:
    async with encrypted(store, file, clock) as server:
        for n in range(20):
            await server.secret(f"s{n}")
        stored = await lying(store, "s0")
        assert stored.startswith(PREFIX) and b"password" not in stored
        assert await server.password("s7") == "hunter2"
        assert fault(server) == ""
    assert (kms.calls("Encrypt"), kms.calls("Decrypt")) == (1, 0)


async def test_a_socket_without_a_file(store: MemoryStore, tmp_path: Path, clock: VirtualClock) -> None:
    folder = tmp_path / "kms"
    folder.mkdir()
    kms = Plugin(Path(f"@{uuid.uuid4()}"), folder)
    kms.start()
    try:
        file = write(tmp_path / "encryption.yaml", plugin(Path(f"/{kms.socket}")))
        async with encrypted(store, file, clock) as server:
            await server.secret("s")
            assert (await lying(store, "s")).startswith(PREFIX)
    finally:
        kms.stop()


async def test_another_server_asks_once_for_each_seed(
    store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
) -> None:
    async with encrypted(store, file, clock) as one:
        for n in range(10):
            await one.secret(f"s{n}")
        async with encrypted(store, file, clock) as two:
            assert [await two.password(f"s{n}") for n in range(10)] == ["hunter2"] * 10
            await two.secret("theirs")
            await settle()
            await one.api.registry.synced()
            assert await one.password("theirs") == "hunter2"
    assert (kms.calls("Encrypt"), kms.calls("Decrypt")) == (2, 2)


async def test_another_key_of_the_plugin_is_used_within_a_minute(
    store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
) -> None:
    async with encrypted(store, file, clock) as server:
        old = await server.secret("old")
        kms.order(key="k2")
        await pass_by(clock, 61)
        assert kms.calls("Encrypt") == 2
        await server.secret("new")
        assert [await server.password(name) for name in ("old", "new")] == ["hunter2", "hunter2"]
        assert b"k1" in await lying(store, "old") and b"k2" in await lying(store, "new")
        again = (await server.put(f"{SECRETS}/old", old)).body
        assert b"k2" in await lying(store, "old"), "it was stale"
        assert (await server.put(f"{SECRETS}/old", again)).body == again, "it is no longer"


class TestAPluginThatIsAway:
    async def test_what_is_known_goes_on(
        self, store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
    ) -> None:
        async with encrypted(store, file, clock) as server:
            await server.secret("before")
            kms.stop()
            await pass_by(clock, 61)
            assert "failed to perform status section" in fault(server)
            await server.secret("meanwhile")
            assert [await server.password(name) for name in ("before", "meanwhile")] == ["hunter2", "hunter2"]
            await pass_by(clock, 181)
            reply = await server.post(SECRETS, {"metadata": {"name": "late"}})
            assert (reply.status, reply.body["reason"]) == (500, "InternalError")
            assert "Internal error occurred: encryptedDEKSource with keyID hash" in reply.body["message"]
            assert (
                await server.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}})
            ).status == 201
            kms.start()
            await pass_by(clock, 11)
            assert fault(server) == ""
            await server.secret("late")
            assert (kms.calls("Encrypt"), await server.password("before")) == (1, "hunter2")

    async def test_a_server_starts_without_it_and_reads_all_when_it_is_there(
        self, store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
    ) -> None:
        async with encrypted(store, file, clock) as server:
            await server.secret("s")
        kms.stop()
        async with encrypted(store, file, clock) as server:
            assert fault(server)
            reply = await server.get(f"{SECRETS}/s")
            assert (reply.status, "failed to decrypt DEK, error: rpc error" in reply.body["message"]) == (500, True)
            assert (await server.get(SECRETS)).status == 500
            assert (await server.post(SECRETS, {"metadata": {"name": "t"}})).body["message"] == (
                "Internal error occurred: got unexpected nil transformer"
            )
            assert (await server.get("/api/v1/namespaces/default")).status == 200
            kms.start()
            await pass_by(clock, 11)
            assert (fault(server), await server.password("s")) == ("", "hunter2")
            await server.secret("t")

    async def test_health_looks_for_itself(
        self, store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
    ) -> None:
        """Who asks every ten seconds hears of an outage within thirty, though the plugin is asked every minute."""
        async with encrypted(store, file, clock) as server:
            kms.stop()
            await pass_by(clock, 21)
            assert fault(server) == ""
            await pass_by(clock, 1)
            assert fault(server)


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ({"healthz": "not today"}, "got unexpected healthz status: not today"),
        ({"version": "v1beta1"}, "expected KMSv2 API version v2, got v1beta1"),
        ({"key": ""}, 'got invalid KMSv2 KeyID hash "": keyID is empty'),
        ({"key": "k" * 1025}, "keyID is 1025 bytes, which exceeds the max size of 1024"),
        ({"refuse": "Status"}, "rpc error: code = Internal desc = as it was told"),
        ({"version": "v2beta1"}, "KMSv2 API version should not change after the initial status response version v2"),
        ({"key": "k2", "encrypts": "k1"}, "failed to rotate DEK"),
        ({"key": "k2", "refuse": "Encrypt"}, "failed to encrypt DEK, error: rpc error: code = Internal"),
    ],
    ids=["it says so", "version", "no key", "a long key", "an error", "another version", "of two minds", "no seed"],
)
async def test_a_plugin_that_is_not_well(
    store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin, orders: dict[str, str], why: str
) -> None:
    """Health says why; writes go on with what there is."""
    async with encrypted(store, file, clock) as server:
        kms.order(**orders)
        await pass_by(clock, 61)
        assert why in fault(server)
        await server.secret("s")
        assert b"k1" in await lying(store, "s")


async def test_a_slow_plugin_holds_up_nobody_but_who_needs_it(
    store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin
) -> None:
    """A server that has to ask for a seed is given up after its timeout, and the loop goes on meanwhile."""
    async with encrypted(store, file, clock) as one:
        kms.order(delay=1.0)
        starting = asyncio.create_task(_second_server_s_health(store, file, clock))
        turns = 0
        while not starting.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert await starting == ""
        assert turns > 50, "nothing held the loop"
        await one.secret("s")


async def _second_server_s_health(store: MemoryStore, file: Path, clock: VirtualClock) -> str:
    async with encrypted(store, file, clock) as two:
        return fault(two)


class TestTheFileIsFollowed:
    async def test_to_a_plugin_and_from_one(
        self, store: MemoryStore, tmp_path: Path, clock: VirtualClock, kms: Plugin
    ) -> None:
        file = write(tmp_path / "e.yaml", keys("aesgcm", "one"))
        async with encrypted(store, file, clock) as server:
            assert fault(server) == "", "there is none"
            await server.secret("a")
            write(file, plugin(kms.socket), keys("aesgcm", "one"))
            await server.encryption.follow()
            await server.secret("b")
            assert (await lying(store, "b")).startswith(PREFIX)
            write(file, keys("aesgcm", "one"), plugin(kms.socket))
            await server.encryption.follow()
            await server.put(f"{SECRETS}/b", (await server.get(f"{SECRETS}/b")).body)
            assert (await lying(store, "b")).startswith(b"k8s:enc:aesgcm:")
            assert [await server.password(name) for name in "ab"] == ["hunter2", "hunter2"]

    async def test_a_plugin_that_is_not_there_is_not_taken(
        self, store: MemoryStore, tmp_path: Path, clock: VirtualClock, kms: Plugin
    ) -> None:
        file = write(tmp_path / "e.yaml", keys("aesgcm", "one"))
        async with encrypted(store, file, clock) as server:
            write(file, plugin(tmp_path / "nobody"), keys("aesgcm", "one"))
            following = asyncio.create_task(server.encryption.follow())
            for _ in range(110):
                await clock.advance(0.1)
            await following
            assert fault(server) == ""
            await server.secret("a")
            assert (await lying(store, "a")).startswith(b"k8s:enc:aesgcm:")


async def test_figures(store: MemoryStore, file: Path, clock: VirtualClock, kms: Plugin) -> None:
    async with encrypted(store, file, clock) as server:
        await server.secret("s")
        told = server.encryption.figures.render().decode()
    for sample in (
        'apiserver_storage_transformation_operations_total{transformation_type="to_storage",'
        'transformer_prefix="k8s:enc:kms:v2:plugin:",status="OK"} 1',
        'apiserver_envelope_encryption_kms_operations_latency_seconds_count{provider_name="plugin",'
        'method_name="/v2.KeyManagementService/Encrypt",grpc_status_code="OK"} 1',
        'apiserver_storage_transformation_duration_seconds_count{transformation_type="to_storage",'
        'transformer_prefix="k8s:enc:kms:v2:plugin:"} 1',
        'apiserver_envelope_encryption_key_id_hash_total{transformation_type="to_storage",provider_name="plugin",'
        'key_id_hash="sha256:',
    ):
        assert sample in told
    assert "k1" not in told
