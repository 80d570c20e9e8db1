from __future__ import annotations

import pytest

from knarr.apiserver.envelopes import opened
from knarr.machinery.errors import BadRequest


def test_the_objects_fields_are_found_in_the_envelope() -> None:
    raw = b"\x0a\x01a" + b"\x12\x80\x01" + b"b" * 128
    envelope = b"k8s\x00" + b"\x0a\x02\x0a\x00" + b"\x12\x86\x01" + raw
    assert opened(envelope) == {1: b"a", 2: b"b" * 128}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="no envelope"),
        pytest.param(b"k8s\x00\x12\x05ab", id="cut in a field"),
        pytest.param(b"k8s\x00\x12\xff", id="cut in a length"),
        pytest.param(b"k8s\x00\x08\x01", id="a number"),
    ],
)
def test_what_is_no_envelope_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        opened(body)
