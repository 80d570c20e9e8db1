"""The wire format: a message as numbered records. https://protobuf.dev/programming-guides/encoding/"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Record = int | float | bytes


class WireError(ValueError):
    """Bytes that are no protobuf message."""


def records(data: bytes) -> Iterator[tuple[int, Record]]:
    """A message's records in order: whole numbers, doubles, or bytes. Raises WireError."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value - (1 << 64) if value >> 63 else value
            continue
        length, at = _varint(data, at) if wire == 2 else (_FIXED.get(wire, 0), at)
        if (not length and wire != 2) or at + length > len(data):
            raise WireError("proto: illegal wireType or unexpected EOF")
        chunk, at = data[at : at + length], at + length
        yield number, chunk if wire == 2 else struct.unpack("<d" if wire == 1 else "<f", chunk)[0]


def packed(data: bytes) -> Iterator[int]:
    """The numbers of a packed list."""
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value - (1 << 64) if value >> 63 else value


_FIXED = {1: 8, 5: 4}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise WireError("proto: integer overflow or unexpected EOF")
