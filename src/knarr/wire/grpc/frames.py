"""Frames of HTTP/2 (RFC 9113, sections 4 to 6) and gRPC's framing of messages in them: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 2, 4, 5
CANCEL = 8  # error code of a stream that its client gives up

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_SIZE = 16_384  # of a frame that any peer takes
WINDOW = 65_535  # bytes that either side may send before it hears more
_STREAM = 0x7FFF_FFFF


class MalformedError(Exception):
    """The peer does not speak HTTP/2 as it should."""


class Frame(NamedTuple):
    """A frame of HTTP/2, its length left out."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def pack(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3, "big"), kind, flags, stream.to_bytes(4, "big"), payload)


def split(data: bytes) -> Iterator[Frame | bytes]:
    """The whole frames at the beginning of `data`; last, the bytes that are left. Raises MalformedError."""
    at, size = 0, len(data)
    while size - at >= 9:
        length = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
        end = at + 9 + length
        if length > FRAME_SIZE:
            raise MalformedError("a frame that is too large")
        if end > size:
            break
        yield Frame(
            data[at + 3], data[at + 4], int.from_bytes(data[at + 5 : at + 9], "big") & _STREAM, data[at + 9 : end]
        )
        at = end
    yield data[at:]


def content(frame: Frame) -> bytes:
    """The payload of DATA or HEADERS, without padding and priority. Raises MalformedError."""
    start, end, payload = 0, len(frame.payload), frame.payload
    if not frame.flags & (PADDED | PRIORITY):
        return payload
    if frame.flags & PADDED:
        start, end = 1, end - (payload[0] if payload else end + 1)
    if frame.flags & PRIORITY and frame.kind == HEADERS:
        start += 5
    if start > end:
        raise MalformedError("more padding than payload")
    return payload[start:end]


def pack_settings(settings: Mapping[int, int]) -> bytes:
    return pack(SETTINGS, 0, 0, b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in settings.items()))


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    for at in range(0, len(payload) - 5, 6):
        yield int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")


def window_update(stream: int, size: int) -> bytes:
    return pack(WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))


def header_block(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as literals that nobody is to remember (RFC 7541, 6.2.2): the same bytes for every call."""
    return b"".join([b"\0" + _text(name) + _text(value) for name, value in headers])


def _text(text: str) -> bytes:
    raw = text.encode()
    size = len(raw)
    if size < 127:
        return bytes([size]) + raw
    prefix, size = bytearray([127]), size - 127
    while size >= 128:
        prefix.append(size & 127 | 128)
        size >>= 7
    return bytes([*prefix, size]) + raw


def message(content: bytes) -> bytes:
    """A message in gRPC's own framing: uncompressed, its length, itself."""
    return b"\0" + len(content).to_bytes(4, "big") + content
