"""An attacker's connection to a server process, and what an attack costs the server."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.api.processes import PATIENCE, ServerProcess

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def connected(server: ServerProcess, tls: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection of somebody who shows no certificate, unless `tls` has one."""
    context = tls or stranger(server)
    with (
        socket.create_connection(("127.0.0.1", server.config.api_port), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        yield secured


def stranger(server: ServerProcess) -> ssl.SSLContext:
    """Of somebody without a certificate."""
    return ssl.create_default_context(cafile=str(server.config.pki / "ca.crt"))


def answered(server: ServerProcess, data: bytes) -> tuple[int, bytes]:
    """The status of the answer to these bytes, 0 where there is none, and all that the server says."""
    said = bytearray()
    with connected(server) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                said += part
        except (ConnectionError, ssl.SSLError):  # it has said what it had to say before all was sent
            pass
    found = _STATUS.match(said)
    return int(found[1]) if found else 0, bytes(said)


def head(line: str, *fields: str, body: bytes = b"") -> bytes:
    """A request by which the connection ends."""
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{line} HTTP/1.1", "Host: x", "Connection: close", *fields, *length, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@contextmanager
def costs_little(server: ServerProcess, seconds: float = 0.25) -> Iterator[None]:
    """What happens meanwhile takes the server less processor time than that, however busy the machine is: nobody else
    is served in that time.
    """
    before = _processor_seconds(server)
    yield
    spent = _processor_seconds(server) - before
    assert spent < seconds, f"{spent:.2f} s of processor time"


def _processor_seconds(server: ServerProcess) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
