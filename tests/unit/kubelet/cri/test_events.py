"""containerd's events, from its wire format."""

from __future__ import annotations

import pytest

from knarr.api.protobuf.wire import varint
from knarr.kubelet.cri.events import decode, subscription
from knarr.kubelet.cri.runtime import RuntimeEvent


def text(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def envelope(topic: str, *fields: bytes) -> bytes:
    any_value = text(1, b"containerd.events.TaskExit") + text(2, b"".join(fields))
    return text(1, b"\x08\x01") + text(2, b"k8s.io") + text(3, topic.encode()) + text(4, any_value)


PID = b"\x18" + varint(4242)


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (envelope("/tasks/exit", text(1, b"c1"), text(2, b"c1"), PID), RuntimeEvent("c1")),
        (envelope("/tasks/exit", text(1, b"c1"), text(2, b"exec-7"), PID), None),
        (envelope("/tasks/oom", text(1, b"c1")), RuntimeEvent("c1", oom=True)),
        (envelope("/tasks/exit"), None),
    ],
    ids=["exit", "end of an exec", "oom", "nobody's"],
)
def test_decode(data: bytes, event: RuntimeEvent | None) -> None:
    assert decode(data) == event


def test_only_exits_of_cri_containers_are_asked_for() -> None:
    assert b'namespace==k8s.io,topic=="/tasks/exit"' in subscription()
