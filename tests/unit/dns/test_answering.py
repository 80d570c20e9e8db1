"""Packets: what a resolver library sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from knarr.dns.answering import Answerer, Datagrams, serve_stream
from knarr.dns.forwarding import Resolvers, nameservers
from tests.unit.dns.clusters import CLUSTER, FakeCluster, endpoint, endpoint_slice, service

ZONE = "cluster.local"
HOST = "127.0.0.1"


class Outside(asyncio.DatagramProtocol):
    """A resolver of the world outside that knows one name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        name = query.question[0].name
        if name.to_text() == "my.database.example.com.":
            response.answer = [dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.44")]
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), address)  # type: ignore[attr-defined]


@asynccontextmanager
async def serving(folder: Path, cluster: FakeCluster = CLUSTER, *, ready: bool = True) -> AsyncIterator[int]:
    """A DNS server on loopback over UDP and TCP, with a resolver behind it; yields its port."""
    loop = asyncio.get_running_loop()
    outside, _ = await loop.create_datagram_endpoint(Outside, local_addr=(HOST, 0))
    conf = folder / "resolv.conf"
    conf.write_text(f"search lan\nnameserver {HOST}\n")
    resolvers = Resolvers((), main=conf, behind_stub=folder / "none", port=outside.get_extra_info("sockname")[1])
    answerer = Answerer(cluster, ZONE, resolvers)
    answerer.ready = ready
    listener = await asyncio.start_server(lambda r, w: serve_stream(answerer, r, w), HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    datagrams, _ = await loop.create_datagram_endpoint(lambda: Datagrams(answerer), local_addr=(HOST, port))
    try:
        yield port
    finally:
        listener.close()
        datagrams.close()
        outside.close()


async def ask(port: int, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    how = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await how(query, HOST, port=port, timeout=5)


def shown(response: dns.message.Message) -> list[str]:
    return [rrset.to_text() for rrset in response.answer]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_cluster_names_are_answered_with_authority(tmp_path: Path, tcp: bool) -> None:
    async with serving(tmp_path) as port:
        response = await ask(port, "Web.Default.svc.cluster.local", tcp=tcp)
    assert [line.lower() for line in shown(response)] == ["web.default.svc.cluster.local. 5 in a 10.96.0.7"]
    assert response.flags & dns.flags.AA


async def test_an_unknown_name_is_nxdomain_with_the_zone_s_soa(tmp_path: Path) -> None:
    async with serving(tmp_path) as port:
        response = await ask(port, "nobody.default.svc.cluster.local")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].name.to_text() == "cluster.local."


async def test_outside_names_are_forwarded(tmp_path: Path) -> None:
    async with serving(tmp_path) as port:
        response = await ask(port, "my.database.example.com")
    assert shown(response) == ["my.database.example.com. 60 IN A 192.0.2.44"]


async def test_an_external_name_is_followed(tmp_path: Path) -> None:
    async with serving(tmp_path) as port:
        response = await ask(port, "elsewhere.default.svc.cluster.local")
    assert shown(response) == [
        "elsewhere.default.svc.cluster.local. 5 IN CNAME my.database.example.com.",
        "my.database.example.com. 60 IN A 192.0.2.44",
    ]


async def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(tmp_path: Path) -> None:
    many = [endpoint(f"10.244.1.{n}") for n in range(1, 101)]
    cluster = FakeCluster(service("many", "None"), endpoint_slice("many", *many))
    async with serving(tmp_path, cluster) as port:
        cut = await ask(port, "many.default.svc.cluster.local")
        whole = await ask(port, "many.default.svc.cluster.local", tcp=True)
    assert cut.flags & dns.flags.TC
    assert not cut.answer
    assert len(whole.answer[0]) == 100


async def test_before_the_caches_are_filled_nothing_is_denied(tmp_path: Path) -> None:
    async with serving(tmp_path, ready=False) as port:
        response = await ask(port, "nobody.default.svc.cluster.local")
    assert response.rcode() == dns.rcode.SERVFAIL


async def test_garbage_is_a_format_error(tmp_path: Path) -> None:
    answerer = Answerer(CLUSTER, ZONE, Resolvers((), main=tmp_path / "none"))
    answer = await answerer.answer(b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\xff", stream=False)
    assert answer
    assert dns.message.from_wire(answer).rcode() == dns.rcode.FORMERR
    assert await answerer.answer(b"short", stream=False) is None


@pytest.mark.parametrize(
    ("main", "behind", "expected"),
    [
        pytest.param("nameserver 9.9.9.9\n", None, ["9.9.9.9"], id="plain"),
        pytest.param("nameserver 127.0.0.53\n", "nameserver 192.0.2.1\n", ["192.0.2.1"], id="behind the stub"),
        pytest.param("nameserver 10.96.0.10\nnameserver 9.9.9.9\n", None, ["9.9.9.9"], id="never ourselves"),
        pytest.param("", None, [], id="none"),
    ],
)
def test_resolvers(tmp_path: Path, main: str, behind: str | None, expected: list[str]) -> None:
    (tmp_path / "main").write_text(main)
    if behind:
        (tmp_path / "behind").write_text(behind)
    resolvers = Resolvers({"10.96.0.10"}, main=tmp_path / "main", behind_stub=tmp_path / "behind")
    assert [address for address, _ in resolvers.servers()] == expected


def test_resolv_conf_s_other_lines_are_passed_over() -> None:
    text = "# nameserver 1.1.1.1\nsearch a b\nnameserver 2001:db8::1\nnameserver nonsense\noptions ndots:5\n"
    assert nameservers(text) == ["2001:db8::1"]
