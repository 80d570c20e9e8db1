"""DNS packets: a query in, an answer out. What the cluster knows is answered here, all else is forwarded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from knarr.dns.forwarding import Resolvers, forward
from knarr.dns.records import Cluster, Found, Record, look_up, reverse

log = logging.getLogger(__name__)

TTL = 5  # seconds; CoreDNS's default for cluster names: endpoints change at any time
LARGEST_DATAGRAM = 1232  # bytes; what passes everywhere unfragmented (DNS flag day 2020)
PLAIN_DATAGRAM = 512  # bytes without EDNS, RFC 1035 section 4.2.1
ALIAS_DEPTH = 8  # aliases of aliases that are followed


class Answerer:
    """Answers packets for the zone; `ready` says whether the caches are filled."""

    def __init__(self, cluster: Cluster, zone: str, resolvers: Resolvers) -> None:
        self._cluster, self._zone, self._resolvers = cluster, zone, resolvers
        self.ready = False

    async def answer(self, packet: bytes, *, stream: bool) -> bytes | None:
        """The answer to one packet, or None for what deserves none."""
        try:
            query = dns.message.from_wire(packet, ignore_trailing=True)
        except dns.exception.DNSException:
            return _format_error(packet)
        if query.flags & dns.flags.QR:
            return None
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return _empty(query, dns.rcode.NOTIMP).to_wire()
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        found = self._find(name, dns.rdatatype.to_text(query.question[0].rdtype))
        if found is None:
            return await self._forward(packet, query, stream=stream)
        if not self.ready:
            return _empty(query, dns.rcode.SERVFAIL).to_wire()
        response = await self._respond(query, found)
        return response.to_wire() if stream else _datagram(query, response)

    def _find(self, name: str, kind: str) -> Found | None:
        """What the cluster knows of a name; None for names that are not the cluster's."""
        if name == self._zone or name.endswith(f".{self._zone}"):
            return look_up(self._cluster, self._zone, name, kind)
        if name.endswith(".in-addr.arpa"):
            return reverse(self._cluster, self._zone, name, kind)
        return None

    async def _forward(self, packet: bytes, query: dns.message.Message, *, stream: bool) -> bytes:
        answer = await forward(packet, self._resolvers.servers(), stream=stream)
        return answer or _empty(query, dns.rcode.SERVFAIL).to_wire()

    async def _respond(self, query: dns.message.Message, found: Found) -> dns.message.Message:
        response = _empty(query, dns.rcode.NOERROR if found.exists else dns.rcode.NXDOMAIN)
        response.flags |= dns.flags.AA
        response.answer = _rrsets(found.answers)
        response.additional = _rrsets(found.additional)
        if found.alias:
            response.answer += await self._chase(found.alias, query.question[0].rdtype)
        if not response.answer:
            response.authority = [self._start_of_authority()]
        return response

    async def _chase(self, target: str, kind: dns.rdatatype.RdataType, depth: int = 0) -> list[dns.rrset.RRset]:
        """The records behind an alias, from the cluster or from outside."""
        found = self._find(target.lower(), dns.rdatatype.to_text(kind))
        if found is not None:
            rrsets = _rrsets(found.answers)
            if found.alias and depth < ALIAS_DEPTH:
                rrsets += await self._chase(found.alias, kind, depth + 1)
            return rrsets
        query = dns.message.make_query(target, kind)
        answer = await forward(query.to_wire(), self._resolvers.servers(), stream=False)
        return dns.message.from_wire(answer).answer if answer else []

    def _start_of_authority(self) -> dns.rrset.RRset:
        data = f"ns.dns.{self._zone}. hostmaster.{self._zone}. 1 7200 1800 86400 {TTL}"
        return dns.rrset.from_text(f"{self._zone}.", TTL, "IN", "SOA", data)


def _empty(query: dns.message.Message, code: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(code)
    return response


def _format_error(packet: bytes) -> bytes | None:
    """FORMERR for what is at least a query's header; RFC 1035 section 4.1.1."""
    if len(packet) < 12 or packet[2] & 0x80:
        return None
    return packet[:2] + bytes((0x80 | packet[2] & 0x79, dns.rcode.FORMERR)) + bytes(8)


def _rrsets(records: Sequence[Record]) -> list[dns.rrset.RRset]:
    """Records of one name and type belong together."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for record in records:
        grouped.setdefault((record.name, record.type), []).append(record.data)
    return [dns.rrset.from_text(f"{name}.", TTL, "IN", kind, *data) for (name, kind), data in grouped.items()]


def _datagram(query: dns.message.Message, response: dns.message.Message) -> bytes:
    """The answer as the asker's datagrams can hold it: cut off with TC set, it is asked for again over TCP."""
    room = min(query.payload, LARGEST_DATAGRAM) if query.edns >= 0 else PLAIN_DATAGRAM
    wire = response.to_wire()
    if len(wire) <= max(room, PLAIN_DATAGRAM):
        return wire
    cut = _empty(query, response.rcode())
    cut.flags |= dns.flags.TC | dns.flags.AA
    return cut.to_wire()


class Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        try:
            answer = await self._answerer.answer(data, stream=False)
        except Exception:
            log.exception("a query could not be answered")
            return
        if answer:
            self._transport.sendto(answer, address)


async def serve_stream(answerer: Answerer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One TCP connection: queries with their lengths before them, RFC 1035 section 4.2.2."""
    try:
        while True:
            query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            answer = await answerer.answer(query, stream=True)
            if answer is None:
                break
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
    except (EOFError, OSError):
        pass
    finally:
        writer.close()
