"""containerd's own event service, since CRI's GetContainerEvents came only with containerd 1.7.

Few messages, few fields: read by hand from protobuf's wire format (api/services/events/v1/events.proto,
api/events/task.proto of containerd). Only what says that a container's state changed is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.kubelet.cri.runtime import RuntimeEvent

SUBSCRIBE = "/containerd.services.events.v1.Events/Subscribe"
NAMESPACE = "k8s.io"
TOPICS = ("/tasks/exit", "/tasks/oom")
# numbers of fields
FILTERS = 1  # of SubscribeRequest
TOPIC, EVENT = 3, 4  # of Envelope
VALUE = 2  # of google.protobuf.Any
CONTAINER_ID, EXEC_ID = 1, 2  # of TaskExit; `id` equals `container_id` unless an exec ended


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def subscription() -> bytes:
    """A SubscribeRequest for the topics, in the namespace of CRI's containers."""
    filters = [f'namespace=={NAMESPACE},topic=="{topic}"'.encode() for topic in TOPICS]
    return b"".join(bytes([FILTERS << 3 | 2]) + varint(len(text)) + text for text in filters)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message; numbers are skipped."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        match tag & 7:
            case 0:
                _, at = read_varint(data, at)
            case 1:
                at += 8
            case 2:
                size, at = read_varint(data, at)
                yield tag >> 3, data[at : at + size]
                at += size
            case 5:
                at += 4
            case wire_type:
                raise ValueError(f"wire type {wire_type} in a containerd event")


def decode(envelope: bytes) -> RuntimeEvent | None:
    """What happened to which container; None for the end of an exec, which changes no state."""
    outer = dict(fields(envelope))
    topic = outer.get(TOPIC, b"").decode()
    event = dict(fields(dict(fields(outer.get(EVENT, b""))).get(VALUE, b"")))
    container_id = event.get(CONTAINER_ID, b"").decode()
    if topic == "/tasks/exit" and event.get(EXEC_ID, event.get(CONTAINER_ID)) != event.get(CONTAINER_ID):
        return None
    return RuntimeEvent(container_id, oom=topic == "/tasks/oom") if container_id else None
