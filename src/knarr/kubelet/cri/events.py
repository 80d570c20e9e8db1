"""containerd's own event service, since CRI's GetContainerEvents came only with containerd 1.7.

Few messages, few fields: read by their numbers (api/services/events/v1/events.proto,
api/events/task.proto of containerd). Only what says that a container's state changed is asked for.
"""

from __future__ import annotations

from knarr.api.protobuf import wire
from knarr.kubelet.cri.runtime import RuntimeEvent

SUBSCRIBE = "/containerd.services.events.v1.Events/Subscribe"
NAMESPACE = "k8s.io"
TOPICS = ("/tasks/exit", "/tasks/oom")
# numbers of fields
FILTERS = 1  # of SubscribeRequest
TOPIC, EVENT = 3, 4  # of Envelope
VALUE = 2  # of google.protobuf.Any
CONTAINER_ID, EXEC_ID = 1, 2  # of TaskExit; `id` equals `container_id` unless an exec ended


def subscription() -> bytes:
    """A SubscribeRequest for the topics, in the namespace of CRI's containers."""
    filters = [f'namespace=={NAMESPACE},topic=="{topic}"'.encode() for topic in TOPICS]
    return b"".join(wire.delimited(wire.tag(FILTERS, wire.BYTES), text) for text in filters)


def fields(data: bytes) -> dict[int, bytes]:
    """The length-delimited fields of a message; numbers are skipped. Raises ProtobufError."""
    return {number: value for number, _, value in wire.fields(data) if isinstance(value, bytes)}


def decode(envelope: bytes) -> RuntimeEvent | None:
    """What happened to which container; None for the end of an exec, which changes no state."""
    outer = fields(envelope)
    topic = outer.get(TOPIC, b"").decode()
    event = fields(fields(outer.get(EVENT, b"")).get(VALUE, b""))
    container_id = event.get(CONTAINER_ID, b"").decode()
    if topic == "/tasks/exit" and event.get(EXEC_ID, event.get(CONTAINER_ID)) != event.get(CONTAINER_ID):
        return None
    return RuntimeEvent(container_id, oom=topic == "/tasks/oom") if container_id else None
