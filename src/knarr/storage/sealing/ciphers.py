"""What one key makes of a value, and back: the bytes behind the prefix that names the key.

All are given the place, the key of the store under which the value lies; where the algorithm can, it binds the value to
it. None repeats a nonce that it was not told of: each is drawn by chance.
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from knarr.storage.sealing import SealError

NONCE, BLOCK, INFO, BOX_NONCE, BOX_TAG = 12, 16, 32, 24, 16  # bytes
TOO_SHORT = "the stored data was shorter than the required size"


class Cipher(Protocol):
    """One key."""

    def seal(self, plain: bytes, place: bytes) -> bytes: ...

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Raises SealError."""


class GCM:
    """AES-GCM: nonce, ciphertext, tag; bound to its place. 16, 24 or 32 bytes of key."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, place: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._aead.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < NONCE:
            raise SealError(TOO_SHORT)
        try:
            return self._aead.decrypt(sealed[:NONCE], sealed[NONCE:], place)
        except InvalidTag:
            raise SealError("cipher: message authentication failed") from None


class SeededGCM:
    """AES-GCM with a key for each value: HKDF's expansion (RFC 5869, 2.3) of a seed by 32 bytes of chance, which stand
    before the rest. So a seed serves for as many values as one likes.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) < INFO:
            raise SealError(f"invalid seed length {len(seed)} used for key generation")
        self._seed = seed

    def seal(self, plain: bytes, place: bytes) -> bytes:
        info = os.urandom(INFO)
        return info + self._derived(info).seal(plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < INFO:
            raise SealError(TOO_SHORT)
        return self._derived(sealed[:INFO]).open(sealed[INFO:], place)

    def _derived(self, info: bytes) -> GCM:
        """The expansion's first block is as long as the key."""
        return GCM(hmac.digest(self._seed, info + b"\x01", "sha256"))


def new_seed() -> bytes:
    return os.urandom(INFO)


class CBCWithPadding:
    """AES-CBC with PKCS #7: initialization vector, ciphertext. Bound to nothing, and not authenticated: it is here for
    clusters that have it.
    """

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)

    def seal(self, plain: bytes, place: bytes) -> bytes:
        vector, missing = os.urandom(BLOCK), BLOCK - len(plain) % BLOCK
        encryptor = BlockCipher(self._algorithm, CBC(vector)).encryptor()
        return vector + encryptor.update(plain + bytes((missing,)) * missing) + encryptor.finalize()

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if len(sealed) < BLOCK:
            raise SealError(TOO_SHORT)
        if len(sealed) % BLOCK:
            raise SealError("the stored data is not a multiple of the block size")
        decryptor = BlockCipher(self._algorithm, CBC(sealed[:BLOCK])).decryptor()
        return _unpadded(decryptor.update(sealed[BLOCK:]) + decryptor.finalize())


class Secretbox:
    """NaCl's XSalsa20 and Poly1305: nonce, tag, ciphertext. Bound to nothing. 32 bytes of key."""

    def __init__(self, key: bytes) -> None:
        from nacl import bindings  # few have such keys

        self._key, self._nacl = key, bindings

    def seal(self, plain: bytes, place: bytes) -> bytes:
        nonce = os.urandom(BOX_NONCE)
        return nonce + self._nacl.crypto_secretbox(plain, nonce, self._key)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(sealed) < BOX_NONCE + BOX_TAG:
            raise SealError(TOO_SHORT)
        try:
            return self._nacl.crypto_secretbox_open(sealed[BOX_NONCE:], sealed[:BOX_NONCE], self._key)
        except CryptoError:
            raise SealError("output array was not large enough for encryption") from None


def _unpadded(plain: bytes) -> bytes:
    missing = plain[-1] if plain else 0
    if not 0 < missing <= len(plain):
        raise SealError("invalid PKCS7 data (empty or not padded)")
    if plain[-missing:] != bytes((missing,)) * missing:
        raise SealError("invalid padding on input")
    return plain[:-missing]
