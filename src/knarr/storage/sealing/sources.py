"""EncryptedObject, the stored form of a value under KMS v2: the sealed data, and the source of the key that seals it.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2/v2/api.proto
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from google.protobuf.message import DecodeError

from knarr.api.protobuf.wire import ProtobufError, read_varint, varint
from knarr.machinery.names import dns1123_subdomain
from knarr.storage.sealing import SealError
from knarr.storage.sealing.plugins import Encrypted
from knarr.wire.grpc.tables import messages

KEY, SEED = 0, 1  # EncryptedDEKSourceType: AES_GCM_KEY, as before 1.29; HKDF_SHA256_XNONCE_AES_GCM_SEED
MOST_KEY_ID, MOST_SOURCE, MOST_ANNOTATIONS = 1024, 1024, 32 * 1024  # bytes
_DATA = b"\x0a"  # the tag of the field encryptedData

_made = messages(
    "knarr.envelopes",
    "Annotation: key=1 string, value=2 bytes\n"
    "EncryptedObject: encryptedData=1 bytes, keyID=2 string, encryptedDEKSource=3 bytes, annotations=4 *Annotation, "
    "encryptedDEKSourceType=5 int32",
)
EncryptedObject, Annotation = _made["EncryptedObject"], _made["Annotation"]


class Source(NamedTuple):
    """What the key comes from: encrypted by the plugin, and a key itself or a seed."""

    encrypted: Encrypted
    kind: int = SEED

    def check(self) -> None:
        """What a plugin may return, and an object hold. Raises SealError."""
        ciphertext, key_id, annotations = self.encrypted
        if not ciphertext:
            raise SealError("failed to validate encrypted DEK source: encrypted DEK source is empty")
        if len(ciphertext) > MOST_SOURCE:
            why = f"encrypted DEK source is {len(ciphertext)} bytes, which exceeds the max size of {MOST_SOURCE}"
            raise SealError(f"failed to validate encrypted DEK source: {why}")
        if why := wrong_key_id(key_id)[1]:
            raise SealError(f"failed to validate key id: {why}")
        for name, _ in annotations:
            for why in _wrong_domain(name):
                raise SealError(f'failed to validate annotations: annotations: Invalid value: "{name}": {why}')
        size = sum(len(name) + len(value) for name, value in annotations)
        if size > MOST_ANNOTATIONS:
            why = f"total size of annotations is {size}, which exceeds the max size of {MOST_ANNOTATIONS}"
            raise SealError(f"failed to validate annotations: {why}")

    def written(self) -> bytes:
        """All of an EncryptedObject but its data."""
        ciphertext, key_id, annotations = self.encrypted
        listed = [Annotation(key=key, value=value) for key, value in annotations]
        found = EncryptedObject(keyID=key_id, encryptedDEKSource=ciphertext, annotations=listed)
        found.encryptedDEKSourceType = self.kind
        return bytes(found.SerializeToString())


def read(text: bytes) -> Source:
    """The source that an EncryptedObject names. Raises SealError."""
    try:
        found = EncryptedObject.FromString(text)
    except DecodeError:
        raise SealError("proto: cannot parse invalid wire-format data") from None
    if found.encryptedDEKSourceType not in (KEY, SEED):
        raise SealError(f"unknown encryptedDEKSourceType: {found.encryptedDEKSourceType}")
    annotations = tuple(sorted((each.key, each.value) for each in found.annotations))
    source = Source(Encrypted(found.encryptedDEKSource, found.keyID, annotations), found.encryptedDEKSourceType)
    source.check()
    return source


def join(data: bytes, source: bytes) -> bytes:
    """An EncryptedObject of its data, and a source as it is `written`."""
    return _DATA + varint(len(data)) + data + source


def split(sealed: bytes) -> tuple[bytes, bytes]:
    """The data, and the rest, which is the same for all that one source seals. Raises SealError."""
    try:
        size, start = read_varint(sealed, 1) if sealed.startswith(_DATA) else (0, 0)
    except ProtobufError as error:
        raise SealError(str(error)) from None
    if not 0 < size <= len(sealed) - start:
        raise SealError("encrypted data is empty" if not size else "proto: unexpected EOF")
    return sealed[start : start + size], sealed[start + size :]


def _wrong_domain(name: str) -> list[str]:
    segments = [] if "." in name else ["should be a domain with at least two segments separated by dots"]
    return dns1123_subdomain(name.removesuffix(".")) + segments


def wrong_key_id(key_id: str) -> tuple[str, str]:
    """What is wrong with it, in one word for figures and in a sentence; nothing of either if it is well."""
    if not key_id:
        return "empty", "keyID is empty"
    if (size := len(key_id.encode())) > MOST_KEY_ID:
        return "too_long", f"keyID is {size} bytes, which exceeds the max size of {MOST_KEY_ID}"
    return "", ""


def key_hash(key_id: str) -> str:
    """How a key's id is shown: it may say more than it should."""
    return f"sha256:{hashlib.sha256(key_id.encode()).hexdigest()}" if key_id else ""
