"""The protobuf form of a small request: Kubernetes' envelope, and messages that hold only text and messages.

https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl
"""

from __future__ import annotations

from knarr.machinery.errors import BadRequest

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_RAW = 2  # the field of runtime.Unknown that holds the object
_LENGTH_DELIMITED = 2


def opened(body: bytes) -> dict[int, bytes]:
    """The fields of the object in an envelope. Raises BadRequest."""
    if not body.startswith(_MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    return fields(fields(body[len(_MAGIC) :]).get(_RAW, b""))


def fields(message: bytes) -> dict[int, bytes]:
    """A message's fields by number; of repeated ones the last. Raises BadRequest."""
    found, position = {}, 0
    try:
        while position < len(message):
            key, position = _varint(message, position)
            if key & 7 != _LENGTH_DELIMITED:
                raise BadRequest("the request's protobuf message holds a field of an unknown type")
            length, position = _varint(message, position)
            found[key >> 3] = message[position : position + length]
            position += length
    except IndexError:
        raise BadRequest("unexpected EOF") from None
    if position > len(message):
        raise BadRequest("unexpected EOF")
    return found


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
