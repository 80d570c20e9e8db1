"""Values under KMS v2: the bytes that lie there, by a reading of the format of our own, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.machinery.figures import Figures
from knarr.storage.sealing import SealError
from knarr.storage.sealing.ciphers import GCM, SeededGCM
from knarr.storage.sealing.envelopes import Envelopes
from knarr.storage.sealing.plugins import Encrypted, Plugin, PluginError
from knarr.storage.sealing.providers import KeyAbsentError, opened

PLACE, PLAIN, SEED = b"/registry/secrets/default/a", b'{"kind":"Secret"}', bytes(range(32))
LATER = datetime(2026, 1, 1, 1, tzinfo=UTC)
SEALED_SEED = Encrypted(b"a sealed seed", "k1", (("v.example.com", b"1"),))


def field(number: int, value: bytes) -> bytes:
    """A field of bytes shorter than 128, as protobuf's encoding has it."""
    return bytes((number << 3 | 2, len(value))) + value


def annotation(key: str, value: bytes) -> bytes:
    return field(4, field(1, key.encode()) + field(2, value))


SOURCE = field(2, b"k1") + field(3, b"a sealed seed") + annotation("v.example.com", b"1") + b"\x28\x01"


class Fake:
    """A plugin that gives the same key to whoever asks for it."""

    name = "plugin"

    def __init__(self, key: bytes = SEED) -> None:
        self.key, self.asked = key, list[Encrypted]()
        self.error: PluginError | None = None

    async def decrypt(self, encrypted: Encrypted) -> bytes:
        self.asked.append(encrypted)
        if self.error:
            raise self.error
        return self.key


def envelopes(plugin: Fake, clock: VirtualClock | None = None) -> Envelopes:
    """Ready to seal, with another seed than that of SOURCE."""
    found = Envelopes(cast(Plugin, plugin), clock or VirtualClock(), Figures(), "server")
    found.seal_with(bytes(32), Encrypted(b"another", "k1"), LATER)
    return found


def test_what_is_sealed_is_data_and_its_source() -> None:
    found = envelopes(Fake())
    found.seal_with(SEED, SEALED_SEED, LATER)
    sealed = found.seal(PLAIN, PLACE)
    assert sealed[:2] == bytes((1 << 3 | 2, 32 + 12 + len(PLAIN) + 16)) and sealed.endswith(SOURCE)
    assert SeededGCM(SEED).open(sealed[2 : -len(SOURCE)], PLACE) == PLAIN
    assert found.prefix == b"k8s:enc:kms:v2:plugin:"


@pytest.mark.parametrize(
    ("cipher", "kind", "stale"),
    [
        pytest.param(SeededGCM(SEED), b"\x28\x01", False, id="with a seed"),
        pytest.param(GCM(SEED), b"", True, id="with a key, as before 1.29"),
        pytest.param(GCM(SEED), b"\x28\x00", True, id="with a key, said in so many words"),
    ],
)
async def test_what_another_server_has_sealed(cipher: SeededGCM | GCM, kind: bytes, stale: bool) -> None:
    plugin = Fake()
    found = envelopes(plugin)
    data = field(1, cipher.seal(PLAIN, PLACE))
    orders = (annotation("b.example.com", b"2"), annotation("a.example.com", b"1"))
    for listed in (b"".join(orders), b"".join(reversed(orders))):
        sealed = data + field(2, b"k1") + field(3, b"sealed") + listed + kind
        assert await opened(found, sealed, PLACE) == (PLAIN, stale)
    assert plugin.asked == [Encrypted(b"sealed", "k1", (("a.example.com", b"1"), ("b.example.com", b"2")))]


async def test_another_key_of_the_plugin_makes_it_stale() -> None:
    sealed = field(1, SeededGCM(SEED).seal(PLAIN, PLACE)) + field(2, b"k2") + field(3, b"sealed") + b"\x28\x01"
    assert await opened(envelopes(Fake()), sealed, PLACE) == (PLAIN, True)


@pytest.mark.parametrize(
    ("sealed", "why"),
    [
        pytest.param(b"", "encrypted data is empty", id="nothing"),
        pytest.param(field(1, b"") + SOURCE, "encrypted data is empty", id="no data"),
        pytest.param(b"\x0a\x50short", "proto: unexpected EOF", id="cut short"),
        pytest.param(b"\x0a\xff", "proto: unexpected EOF", id="cut short in a number"),
        pytest.param(field(1, b"x") + b"\xff", "proto: cannot parse invalid wire-format data", id="no protobuf"),
        pytest.param(
            field(1, b"x") + field(2, b"k"),
            "failed to validate encrypted DEK source: encrypted DEK source is empty",
            id="no source",
        ),
        pytest.param(field(1, b"x") + field(3, b"s"), "failed to validate key id: keyID is empty", id="no key"),
        pytest.param(
            field(1, b"x") + field(2, b"k") + field(3, b"s") + b"\x28\x07",
            "unknown encryptedDEKSourceType: 7",
            id="a kind that nobody knows",
        ),
        pytest.param(
            field(1, b"x") + field(2, b"k") + field(3, b"s") + annotation("one", b""),
            'failed to validate annotations: annotations: Invalid value: "one": should be a domain with at least two '
            "segments separated by dots",
            id="an annotation that is no domain",
        ),
    ],
)
async def test_what_is_no_such_value(sealed: bytes, why: str) -> None:
    with pytest.raises(SealError) as refused:
        await opened(envelopes(Fake()), sealed, PLACE)
    assert str(refused.value) == why


async def test_what_was_moved_or_tampered_with_is_not_opened() -> None:
    found = envelopes(Fake())
    sealed = found.seal(PLAIN, PLACE)
    with pytest.raises(SealError, match="authentication failed"):
        found.open(sealed, PLACE + b"b")
    for at in range(2, 2 + 32 + 12 + len(PLAIN) + 16):
        with pytest.raises(SealError, match="authentication failed"):
            found.open(sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :], PLACE)


@pytest.mark.parametrize(
    ("encrypted", "why"),
    [
        (Encrypted(b"x" * 1025, "k"), "encrypted DEK source is 1025 bytes, which exceeds the max size of 1024"),
        (Encrypted(b"x", "k" * 1025), "keyID is 1025 bytes, which exceeds the max size of 1024"),
        (
            Encrypted(b"x", "k", (("a.example.com", bytes(32 * 1024)),)),
            "total size of annotations is 32781, which exceeds the max size of 32768",
        ),
    ],
    ids=["source", "key id", "annotations"],
)
def test_what_a_plugin_may_not_return(encrypted: Encrypted, why: str) -> None:
    with pytest.raises(SealError, match=why):
        envelopes(Fake()).seal_with(SEED, encrypted, LATER)


async def test_a_key_of_no_size() -> None:
    sealed = field(1, bytes(50)) + field(2, b"k") + field(3, b"s")
    with pytest.raises(SealError, match="crypto/aes: invalid key size 5"):
        await opened(envelopes(Fake(b"short")), sealed, PLACE)


async def test_nothing_is_sealed_with_what_has_expired() -> None:
    clock = VirtualClock()
    found = envelopes(Fake(), clock)
    await clock.advance(timedelta(hours=1).total_seconds())
    sealed = found.seal(PLAIN, PLACE)
    await clock.advance(1)
    with pytest.raises(SealError, match=r'keyID hash "sha256:\w+" expired at 2026-01-01T01:00:00Z'):
        found.seal(PLAIN, PLACE)
    assert found.open(sealed, PLACE) == (PLAIN, False)


async def test_a_plugin_that_does_not_answer_is_left_alone_for_a_while() -> None:
    clock, plugin = VirtualClock(), Fake()
    found = envelopes(plugin, clock)
    plugin.error = PluginError("Unavailable", "away")
    sealed = field(1, SeededGCM(SEED).seal(PLAIN, PLACE)) + SOURCE

    async def attempt() -> Any:
        with pytest.raises(SealError, match="failed to decrypt DEK, error: rpc error: code = Unavailable desc = away"):
            await opened(found, sealed, PLACE)

    await attempt()
    await attempt()
    assert len(plugin.asked) == 1
    await clock.advance(3)
    await attempt()
    assert len(plugin.asked) == 2
    plugin.error = None
    found.reached()
    assert await opened(found, sealed, PLACE) == (PLAIN, False)


def test_without_a_seed_nothing_is_sealed() -> None:
    found = Envelopes(cast(Plugin, Fake()), VirtualClock(), Figures(), "server")
    with pytest.raises(SealError, match="got unexpected nil transformer"):
        found.seal(PLAIN, PLACE)
    with pytest.raises(KeyAbsentError):
        found.open(field(1, b"x") + SOURCE, PLACE)
