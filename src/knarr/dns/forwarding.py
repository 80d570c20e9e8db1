"""Names outside the cluster: asked of the machine's own resolvers, packets passed through as they are.

Where the machine's resolv.conf names only systemd-resolved's stub, the servers behind it are asked, as resolved keeps
them in a file of its own; our own addresses are never asked, so that no query comes back to us.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")
BEHIND_STUB = Path("/run/systemd/resolve/resolv.conf")
STUB = "127.0.0.53"
PATIENCE = 2.0  # seconds for one server to answer
PORT = 53


def nameservers(text: str) -> list[str]:
    """The `nameserver` lines of a resolv.conf (resolv.conf(5)); what is no address is passed over."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and _is_address(words[1]):
            found.append(words[1])
    return found


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True


class Resolvers:
    """The servers to ask, read again when the files change."""

    def __init__(
        self, own: Collection[str], *, main: Path = RESOLV_CONF, behind_stub: Path = BEHIND_STUB, port: int = PORT
    ) -> None:
        self._own, self._main, self._behind_stub, self._port = frozenset(own), main, behind_stub, port
        self._stamp: object = None
        self._servers: list[tuple[str, int]] = []

    def servers(self) -> Sequence[tuple[str, int]]:
        """Addresses and ports, in the order in which to ask."""
        stamp = [_stamp(path) for path in (self._main, self._behind_stub)]
        if stamp != self._stamp:
            self._stamp = stamp
            listed = _read(self._main)
            if STUB in listed:
                listed = _read(self._behind_stub) or listed
            self._servers = [(address, self._port) for address in listed if address not in self._own]
        return self._servers


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _read(path: Path) -> list[str]:
    try:
        return nameservers(path.read_text())
    except OSError:
        return []


class _Question(asyncio.DatagramProtocol):
    """One query on a socket of its own: an unpredictable port, as RFC 5452 asks."""

    def __init__(self, query: bytes) -> None:
        self._id = secrets.token_bytes(2)
        self.packet = self._id + query[2:]
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.sendto(self.packet)  # type: ignore[attr-defined]

    def datagram_received(self, data: bytes, _: object) -> None:
        if data[:2] == self._id and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


async def forward(query: bytes, servers: Sequence[tuple[str, int]], *, stream: bool) -> bytes | None:
    """The first answer that a server gives to the packet, with the query's id; None where none answers."""
    for server in servers:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await (_ask_stream(query, server) if stream else _ask(query, server))
        except (OSError, TimeoutError, EOFError):
            continue
        return query[:2] + answer[2:]
    return None


async def _ask(query: bytes, server: tuple[str, int]) -> bytes:
    loop = asyncio.get_running_loop()
    transport, question = await loop.create_datagram_endpoint(lambda: _Question(query), remote_addr=server)
    try:
        return await question.answer
    finally:
        transport.close()


async def _ask_stream(query: bytes, server: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
