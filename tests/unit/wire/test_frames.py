from __future__ import annotations

from itertools import pairwise

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from knarr.wire.grpc import frames
from knarr.wire.grpc.frames import Frame, MalformedError, content, header_block, pack, split

FRAMES = st.lists(
    st.builds(Frame, st.integers(0, 9), st.integers(0, 255), st.integers(0, 0x7FFF_FFFF), st.binary(max_size=40)),
    max_size=6,
)
TEXT = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=400)


@given(sent=FRAMES, cuts=st.lists(st.integers(0, 300), max_size=5))
def test_frames_come_whole_however_they_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    data = b"".join(pack(*frame) for frame in sent)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found: list[Frame] = []
    rest = b""
    for start, end in pairwise(edges):
        for item in split(rest + data[start:end]):
            if isinstance(item, Frame):
                found.append(item)
            else:
                rest = item
    assert (found, rest) == (sent, b"")


@given(headers=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_headers_are_what_others_read(headers: list[tuple[str, str]]) -> None:
    decoder = Decoder(max_header_list_size=1 << 20)
    assert [(str(name), str(value)) for name, value in decoder.decode(header_block(headers))] == headers


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        pytest.param(Frame(frames.DATA, 0, 1, b"abc"), b"abc", id="plain"),
        pytest.param(Frame(frames.DATA, frames.PADDED, 1, b"\2abc\0\0"), b"abc", id="padded"),
        pytest.param(Frame(frames.HEADERS, frames.PRIORITY, 1, b"12345abc"), b"abc", id="with a priority"),
        pytest.param(
            Frame(frames.HEADERS, frames.PRIORITY | frames.PADDED, 1, b"\1" + b"12345abc\0"), b"abc", id="both"
        ),
        pytest.param(Frame(frames.DATA, frames.PADDED, 1, b"\0"), b"", id="nothing"),
    ],
)
def test_content(frame: Frame, expected: bytes) -> None:
    assert content(frame) == expected


@pytest.mark.parametrize("payload", [b"", b"\5abc", b"\4abc"], ids=["no length", "longer", "as long"])
def test_padding_is_not_longer_than_the_frame(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        content(Frame(frames.DATA, frames.PADDED, 1, payload))


def test_a_frame_larger_than_allowed_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError):
        list(split((frames.FRAME_SIZE + 1).to_bytes(3, "big") + bytes(6)))
