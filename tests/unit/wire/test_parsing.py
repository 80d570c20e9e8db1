from __future__ import annotations

import gc
import weakref

import pytest

from knarr.wire.limits import Limits, Room
from knarr.wire.messages import Request
from knarr.wire.parsing import Arrived, RequestReader

SMALL = Limits(body=10, head=200, fields=5)


class Received:
    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.continues = 0

    def on_arrived(self, arrived: Arrived) -> None:
        self.arrived.append(arrived)

    def send_continue(self) -> None:
        self.continues += 1


def read(*pieces: bytes) -> Received:
    received = Received()
    reader = RequestReader(SMALL, received, Room(0))
    for piece in pieces:
        reader.feed(piece)
    return received


def only(received: Received) -> Arrived:
    (arrived,) = received.arrived
    return arrived


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            b"GET /a%20b?c=d%26 HTTP/1.1\r\nHost: x\r\n\r\n",
            Request("GET", "/a%20b", "c=d%26", {"host": "x"}),
            id="path and query stay encoded",
        ),
        pytest.param(
            b"GET http://x:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
            Request("GET", "/a", "b", {"host": "x"}),
            id="absolute form",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nACCEPT: b\r\n\r\n",
            Request("GET", "/", "", {"host": "x", "accept": "a, b"}, lines={"accept": ["a", "b"]}),
            id="repeated fields are joined, and told apart",
        ),
        pytest.param(
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            Request("PUT", "/", "", {"host": "x", "transfer-encoding": "chunked"}, b"abcde"),
            id="chunks",
        ),
        pytest.param(
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: y\r\nA: b\r\n\r\n",
            Request("PUT", "/", "", {"host": "x", "transfer-encoding": "chunked"}, b"abc"),
            id="what follows the chunks is left out",
        ),
    ],
)
def test_a_request_is_read_whole_in_one_piece_and_byte_by_byte(sent: bytes, expected: Request) -> None:
    assert only(read(sent)).request == expected
    assert only(read(*(bytes([byte]) for byte in sent))).request == expected


def test_a_body_above_the_limit_is_dropped_and_marked() -> None:
    arrived = only(read(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", b"01234567890"))
    assert (arrived.oversized, arrived.keep_alive, arrived.request.body) == (True, False, b"")


def test_an_endless_body_is_refused() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    refused = only(read(head, *[b"10\r\n0123456789abcdef\r\n"] * 11)).refusal
    assert refused and refused.status == 413


def test_an_endless_head_is_refused() -> None:
    refused = only(read(b"GET / HTTP/1.1\r\nHost: ", *[b"x" * 50] * 4)).refusal
    assert refused and refused.status == 431


@pytest.mark.parametrize("pieces", [1, 30], ids=["in one piece", "in many"])
def test_too_many_fields_are_refused_once(pieces: int) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: x\r\n" + b"Expect: 100-continue\r\n" * 6 + b"Content-Length: 3\r\n\r\nabc"
    size = len(sent) // pieces
    received = read(*(sent[at : at + size] for at in range(0, len(sent), size)))
    refused = only(received).refusal
    assert refused and refused.status == 431
    assert received.continues == 0


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("/" + "a" * 65_536, 414, id="a long path"),
        pytest.param("/?" + "&" * 10_000, 400, id="many parameters"),
    ],
)
def test_a_target_that_costs_too_much_is_refused(target: str, status: int) -> None:
    received = Received()
    RequestReader(Limits(), received, Room(0)).feed(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    refused = only(received).refusal
    assert refused and refused.status == status


@pytest.mark.parametrize(("announced", "continues"), [(10, 1), (11, 0)])
def test_a_client_that_waits_is_told_to_go_on_unless_its_body_is_too_large(announced: int, continues: int) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {announced}\r\n\r\n"
    assert read(head.encode()).continues == continues


def test_http_11_without_host_is_refused() -> None:
    refused = only(read(b"GET / HTTP/1.1\r\n\r\n")).refusal
    assert refused and refused.status == 400


def test_a_closed_reader_lets_go_of_its_connection_without_the_garbage_collector() -> None:
    received = Received()
    reader = RequestReader(Limits(), received, Room(0))
    reader.close()
    gc.disable()
    try:
        holds = weakref.ref(received)
        del received
        assert holds() is None
    finally:
        gc.enable()
