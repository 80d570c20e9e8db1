"""Many connections that want nothing, or too much at once: whoever has something to ask is answered meanwhile."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.api.attacks import connected, costs_little
from tests.api.processes import PATIENCE, ServerProcess, exchange

SOON = 0.1  # seconds for an answer


def secured(server: ServerProcess, stack: ExitStack) -> ssl.SSLSocket:
    return stack.enter_context(connected(server))


def plain(server: ServerProcess, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", server.config.api_port), PATIENCE))


def half_a_hello(server: ServerProcess, stack: ExitStack) -> None:
    plain(server, stack).send(b"\x16\x03\x01\x02\x00\x01")


def half_a_head(server: ServerProcess, stack: ExitStack) -> None:
    secured(server, stack).send(b"GET /version HTTP/1.1\r\nHost: x\r\nX: ")


def half_a_body(server: ServerProcess, stack: ExitStack) -> None:
    head = b"POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
    secured(server, stack).send(head + b"x" * 30_000)


def many_at_once(server: ServerProcess, stack: ExitStack) -> None:
    """Nobody reads what is answered."""
    connection = secured(server, stack)
    connection.setblocking(False)
    try:
        for _ in range(20):
            connection.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
    except (ssl.SSLWantWriteError, BlockingIOError):
        pass


def http(server: ServerProcess, stack: ExitStack) -> None:
    connection = plain(server, stack)
    connection.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(26) == b"HTTP/1.0 400 Bad Request\r\n"


CROWDS: dict[str, tuple[int, Callable[[ServerProcess, ExitStack], object]]] = {
    "silent": (400, plain),
    "half a hello": (400, half_a_hello),
    "idle": (150, secured),
    "half a head": (150, half_a_head),
    "half a body": (150, half_a_body),
    "many requests at once": (20, many_at_once),
    "plain HTTP": (200, http),
}


@contextmanager
def crowd(server: ServerProcess, name: str) -> Iterator[None]:
    number, each = CROWDS[name]
    with ExitStack() as stack:
        for _ in range(number):
            each(server, stack)
        yield


@pytest.mark.parametrize("name", CROWDS)
def test_others_are_answered_soon(process: ServerProcess, name: str) -> None:
    connection = process.connect()
    exchange(connection, "GET", "/api/v1/namespaces/default")
    times = []
    with crowd(process, name):
        for _ in range(60):
            before = time.perf_counter()
            assert exchange(connection, "GET", "/api/v1/namespaces/default").status == 200
            times.append(time.perf_counter() - before)
        assert process.send("GET", "/readyz").status == 200, "a new connection is made, too"
    connection.close()
    assert sorted(times)[len(times) * 9 // 10] < SOON  # this machine may be busy with more than this


def test_a_crowd_that_waits_costs_nothing(process: ServerProcess) -> None:
    with crowd(process, "half a hello"), crowd(process, "half a head"), costs_little(process):
        time.sleep(1)
