"""The encoding of protobuf: tags, varints and lengths.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_SIGN = 1 << 63
_RANGE = 1 << 64


class ProtobufError(ValueError):
    """Bytes that are no protobuf message, or not the one expected."""


def varint(number: int) -> bytes:
    """A number; negative ones take ten bytes."""
    if number < 0:
        number += _RANGE
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)


def signed(number: int) -> int:
    """A varint as a signed 64-bit number."""
    return number - _RANGE if number & _SIGN else number


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends. Raises ProtobufError."""
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ProtobufError("proto: unexpected EOF" if at >= len(data) else "proto: integer overflow")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & (_RANGE - 1), at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """The fields of a message in order: number, wire type, value. Raises ProtobufError."""
    at, end = 0, len(data)
    while at < end:
        key, at = read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = read_varint(data, at)
            yield number, kind, value
            continue
        size = {BYTES: -1, FIXED64: 8, FIXED32: 4}.get(kind)
        if size is None or not number:
            raise ProtobufError(f"proto: illegal wireType {kind}" if number else "proto: illegal tag 0")
        if size < 0:
            size, at = read_varint(data, at)
        if at + size > end:
            raise ProtobufError("proto: unexpected EOF")
        yield number, kind, data[at : at + size]
        at += size


def float64(number: float) -> bytes:
    return struct.pack("<d", number)


def read_float64(data: bytes) -> float:
    return float(struct.unpack("<d", data)[0])


def delimited(key: bytes, content: bytes) -> bytes:
    """A field of bytes: its tag, its length, itself."""
    return key + varint(len(content)) + content
