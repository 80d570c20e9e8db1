"""The stored forms, against vectors made by hand from their description, with other code than ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from knarr.storage.sealing import SealError
from knarr.storage.sealing.ciphers import GCM, CBCWithPadding, Cipher, Secretbox, SeededGCM
from knarr.storage.sealing.providers import Identity, Keyed, Providers

PLACE, ELSEWHERE = b"/registry/secrets/default/a", b"/registry/secrets/default/b"
PLAIN = b'{"kind":"Secret"}'
KEY = bytes(range(32))

# openssl enc -aes-256-cbc -K $(python3 -c 'print(bytes(range(32)).hex())') -iv 000102...0f
CBC_VECTOR = bytes(range(16)) + bytes.fromhex("1e99f42a87db9ef8ab2a289efc82058d9b6df3c3b806157e27663d659124bb7a")
# NaCl's own test of secretbox (tests/secretbox.c): key, nonce, message and box
BOX_KEY = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
BOX_NONCE = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
BOX_PLAIN = bytes.fromhex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
    "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
    "f0a089bc76897040e082f937763848645e0705"
)
BOX = bytes.fromhex(
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
    "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
    "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
)
# The Galois/Counter Mode of Operation (McGrew, Viega), test case 16: AES-256 with additional data
GCM_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
GCM_NONCE = bytes.fromhex("cafebabefacedbaddecaf888")
GCM_PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
    "ba637b39"
)
GCM_PLACE = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
GCM_SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
    "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
)

CIPHERS = [
    pytest.param(GCM, KEY, id="aesgcm"),
    pytest.param(GCM, KEY[:16], id="aesgcm with 16 bytes"),
    pytest.param(SeededGCM, KEY, id="seeds"),
    pytest.param(CBCWithPadding, KEY, id="aescbc"),
    pytest.param(Secretbox, KEY, id="secretbox"),
]
Made = Callable[[bytes], Cipher]


@pytest.mark.parametrize(
    ("cipher", "sealed", "place", "plain"),
    [
        pytest.param(GCM(GCM_KEY), GCM_NONCE + GCM_SEALED, GCM_PLACE, GCM_PLAIN, id="aesgcm: nonce, ciphertext, tag"),
        pytest.param(Secretbox(BOX_KEY), BOX_NONCE + BOX, b"", BOX_PLAIN, id="secretbox: nonce, tag, ciphertext"),
        pytest.param(CBCWithPadding(KEY), CBC_VECTOR, b"", PLAIN, id="aescbc: vector, padded ciphertext"),
    ],
)
def test_what_others_have_sealed_is_opened(cipher: Cipher, sealed: bytes, place: bytes, plain: bytes) -> None:
    assert cipher.open(sealed, place) == plain


def test_a_seed_makes_a_key_of_what_stands_before_the_rest() -> None:
    sealed = SeededGCM(KEY).seal(PLAIN, PLACE)
    key = HKDFExpand(SHA256(), 32, sealed[:32]).derive(KEY)
    assert GCM(key).open(sealed[32:], PLACE) == PLAIN


@pytest.mark.parametrize(("made", "key"), CIPHERS)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 3000])
def test_there_and_back(made: Made, key: bytes, size: int) -> None:
    plain = bytes(size)
    assert made(key).open(made(key).seal(plain, PLACE), PLACE) == plain


@pytest.mark.parametrize(("made", "key"), CIPHERS)
def test_nothing_looks_the_same_twice(made: Made, key: bytes) -> None:
    assert len({made(key).seal(PLAIN, PLACE) for _ in range(50)}) == 50


@pytest.mark.parametrize(("made", "key"), [c for c in CIPHERS if c.id != "aescbc"])
def test_what_was_tampered_with_is_not_opened(made: Made, key: bytes) -> None:
    sealed = made(key).seal(PLAIN, PLACE)
    for at in range(len(sealed)):
        with pytest.raises(SealError):
            made(key).open(sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :], PLACE)


@pytest.mark.parametrize(("made", "key"), CIPHERS)
def test_what_was_cut_short_is_not_opened(made: Made, key: bytes) -> None:
    sealed = made(key).seal(PLAIN, PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            made(key).open(sealed[:length], PLACE)


@pytest.mark.parametrize(("made", "key"), CIPHERS[:3])
def test_a_value_that_was_moved_elsewhere_is_not_opened(made: Made, key: bytes) -> None:
    with pytest.raises(SealError, match="message authentication failed"):
        made(key).open(made(key).seal(PLAIN, PLACE), ELSEWHERE)


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(SealError, match="invalid seed length 31"):
        SeededGCM(KEY[:31])


def gcm(*names: str) -> Providers:
    """Keys of these names, each its own."""
    keys = [Keyed(name, GCM(name.encode().ljust(32))) for name in names]
    return Providers(keys, "no matching key was found for the provided AES transformer", b"k8s:enc:aesgcm:v1:")


def box(name: str) -> Providers:
    return Providers([Keyed(name, Secretbox(KEY))], "no matching key was found", b"k8s:enc:secretbox:v1:")


def among(*providers: Identity | Providers) -> Providers:
    return Providers(providers, "no matching prefix found")


class TestProviders:
    def test_the_first_writes_and_its_prefixes_name_it(self) -> None:
        sealed = among(gcm("new", "old"), Identity()).seal(PLAIN, PLACE)
        assert sealed.startswith(b"k8s:enc:aesgcm:v1:new:")
        assert GCM(b"new".ljust(32)).open(sealed.removeprefix(b"k8s:enc:aesgcm:v1:new:"), PLACE) == PLAIN

    @pytest.mark.parametrize(
        ("before", "stale"),
        [
            pytest.param(among(gcm("new")), False, id="as it would be written now"),
            pytest.param(among(gcm("old")), True, id="another key"),
            pytest.param(among(box("old")), True, id="another provider"),
            pytest.param(among(Identity()), True, id="not at all"),
        ],
    )
    def test_all_read_and_what_the_first_has_not_written_is_stale(self, before: Providers, stale: bool) -> None:
        now = among(gcm("new", "old"), box("old"), Identity())
        assert now.open(before.seal(PLAIN, PLACE), PLACE) == (PLAIN, stale)

    def test_identity_first_still_reads_what_the_others_have_sealed(self) -> None:
        now = among(Identity(), gcm("old"))
        assert now.open(among(gcm("old")).seal(PLAIN, PLACE), PLACE) == (PLAIN, True)
        assert now.open(PLAIN, PLACE) == (PLAIN, False)
        assert now.seal(PLAIN, PLACE) == PLAIN

    def test_a_second_provider_of_the_same_prefix_is_asked_when_the_first_fails(self) -> None:
        now = among(gcm("new"), gcm("old"))
        assert now.open(among(gcm("old")).seal(PLAIN, PLACE), PLACE) == (PLAIN, True)

    @pytest.mark.parametrize(
        ("stored", "why"),
        [
            pytest.param(PLAIN, "no matching prefix found", id="plain, and nobody reads that"),
            pytest.param(b"k8s:enc:kms:v2:x:1", "no matching prefix found", id="of a provider that is not there"),
            pytest.param(
                b"k8s:enc:aesgcm:v1:gone:1",
                "no matching key was found for the provided AES transformer",
                id="with a key that is not there",
            ),
            pytest.param(
                b"k8s:enc:aesgcm:v1:here:1", "the stored data was shorter than the required size", id="damaged"
            ),
        ],
    )
    def test_what_nobody_reads(self, stored: bytes, why: str) -> None:
        with pytest.raises(SealError) as refused:
            among(gcm("here")).open(stored, PLACE)
        assert str(refused.value) == why
