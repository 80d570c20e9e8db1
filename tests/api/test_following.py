"""Certificates replaced under live connections, on real sockets: what is open goes on, what is new sees the new."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.targets import Target
from knarr.wire import connections
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Answer, Peer, Request, Response, Sink, Streaming
from knarr.wire.server import Server
from knarr.wire.tls import Strength, client_context, server_context
from tests.api.certificates import Authority, Pair
from tests.api.test_outbound import Objects

GET = Request("GET", "/")


@dataclass
class Place:
    """Where a server or a client has its pair: the files that change under it."""

    pair: Pair

    def put(self, other: Pair) -> None:
        """As certificate managers do: whole files, renamed into place."""
        for source, target in ((other.certificate, self.pair.certificate), (other.key, self.pair.key)):
            draft = target.with_suffix(".new")
            shutil.copy(source, draft)
            draft.replace(target)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def place(tmp_path: Path, authority: Authority) -> Place:
    (tmp_path / "place").mkdir()
    place = Place(Pair(tmp_path / "place" / "tls.crt", tmp_path / "place" / "tls.key"))
    place.put(authority.issue("first"))
    return place


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(connections, "_LOOK", 0.0)
    yield


@asynccontextmanager
async def serving(tls: ssl.SSLContext, seen: list[Peer] | None = None) -> AsyncIterator[int]:
    async def answer(request: Request, peer: Peer) -> Answer:
        if seen is not None:
            seen.append(peer)
        return Streaming(_flow) if request.path == "/stream" else Response(200)

    server = Server(answer, tls=tls)
    try:
        yield await server.listen()
    finally:
        await server.close(grace=0)


async def _flow(sink: Sink) -> None:
    while True:
        sink.write(b"x")
        await asyncio.sleep(0.001)


async def name_of_server(port: int, authority: Authority) -> str:
    """The common name in the certificate that a new connection is shown."""
    tls = ssl.create_default_context(cafile=str(authority.file))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    subject = dict(entry[0] for entry in writer.get_extra_info("peercert")["subject"])
    writer.close()
    await writer.wait_closed()
    return str(subject["commonName"])


async def test_a_servers_new_certificate_is_for_new_connections_and_old_ones_go_on(
    authority: Authority, place: Place
) -> None:
    async with serving(server_context(place.pair.certificate, place.pair.key)) as port:
        transport = HTTPTransport(f"https://127.0.0.1:{port}", tls=client_context(authority.file))
        stream = await transport.stream(Request("GET", "/stream"))
        flowing = aiter(stream)
        await anext(flowing)
        place.put(authority.issue("second"))
        assert await name_of_server(port, authority) == "second"
        for _ in range(3):
            assert await anext(flowing)
        await stream.close()
        await transport.close()


@pytest.mark.parametrize("damage", ["half", "mismatched", "gone", "encrypted"])
async def test_what_does_not_fit_together_changes_nothing_and_is_logged_once(
    authority: Authority, place: Place, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = place.pair.certificate, place.pair.key
    other = authority.issue("second")
    async with serving(server_context(certificate, key)) as port:
        match damage:
            case "half":
                certificate.write_bytes(other.certificate.read_bytes()[:200])
            case "mismatched":
                certificate.write_bytes(other.certificate.read_bytes())
            case "gone":
                certificate.unlink()
            case "encrypted":
                key.write_bytes(encrypted(other.key))
        assert [await name_of_server(port, authority) for _ in range(2)] == ["first", "first"]
        assert [record.message.startswith(str(certificate)) for record in caplog.records] == [True]
        assert "PRIVATE" not in caplog.text
        place.put(other)
        assert await name_of_server(port, authority) == "second"


def encrypted(key: Path) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    loaded = s.load_pem_private_key(key.read_bytes(), None)
    return loaded.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"secret"))


async def test_a_client_shows_its_new_certificate_though_it_keeps_connections(
    authority: Authority, place: Place
) -> None:
    server = authority.issue("server")
    seen: list[Peer] = []
    async with serving(server_context(server.certificate, server.key, authority.file), seen) as port:
        tls = client_context(authority.file, place.pair.certificate, place.pair.key)
        transport = HTTPTransport(f"https://127.0.0.1:{port}", tls=tls)
        for _ in range(2):
            await transport.request(GET)
        second = authority.issue("second")
        place.put(second)
        await transport.request(GET)
        await transport.close()
    shown = [peer.certificate for peer in seen]
    assert shown[0] == shown[1] != shown[2] == ssl.PEM_cert_to_DER_cert(second.certificate.read_text())


async def test_aggregated_servers_are_shown_the_front_proxys_new_certificate(
    authority: Authority, place: Place
) -> None:
    server = authority.issue("server")
    seen: list[Peer] = []
    async with serving(server_context(server.certificate, server.key, authority.file), seen) as port:
        pool = Pool(Objects(), place.pair.certificate, place.pair.key)
        target = Target(f"https://127.0.0.1:{port}", authority.file.read_text())
        for name in ("second", "third"):
            await pool.transport(target).request(GET)
            place.put(authority.issue(name))
        await pool.transport(target).request(GET)
        pool.close()
    assert len({peer.certificate for peer in seen}) == 3


async def test_clients_of_an_authority_that_was_added_are_let_in(
    tmp_path: Path, authority: Authority, place: Place
) -> None:
    other = Authority(tmp_path, "other")
    bundle = tmp_path / "bundle.crt"
    shutil.copy(authority.file, bundle)
    stranger = other.issue("stranger")
    seen: list[Peer] = []
    async with serving(server_context(place.pair.certificate, place.pair.key, bundle), seen) as port:
        tls = client_context(authority.file, stranger.certificate, stranger.key)
        transport = HTTPTransport(f"https://127.0.0.1:{port}", tls=tls)
        with pytest.raises(ConnectionError):
            await transport.request(GET)
        bundle.write_bytes(authority.file.read_bytes() + other.file.read_bytes())
        assert (await transport.request(GET)).status == 200
        await transport.close()
    assert seen[0].certificate


async def test_an_expected_certificate_may_come_later(authority: Authority, place: Place, tmp_path: Path) -> None:
    late = Place(Pair(tmp_path / "late.crt", tmp_path / "late.key"))
    async with serving(server_context(late.pair.certificate, late.pair.key, authority.file, expected=True)) as port:
        with pytest.raises(ssl.SSLError):
            await name_of_server(port, authority)
        late.put(authority.issue("second"))
        assert await name_of_server(port, authority) == "second"


def test_files_that_are_not_expected_to_come_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        server_context(tmp_path / "none.crt", tmp_path / "none.key")


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
STRICT = Strength(suites=("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",))


@pytest.mark.parametrize(
    ("strength", "version", "ciphers", "agreed"),
    [
        pytest.param(Strength(), V12, "ECDHE-ECDSA-AES128-GCM-SHA256", True, id="1.2"),
        pytest.param(Strength(), V13, None, True, id="1.3"),
        pytest.param(Strength(), ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0", False, id="1.1"),
        pytest.param(Strength(), V12, "ECDHE-ECDSA-AES128-SHA", False, id="no authenticated encryption"),
        pytest.param(Strength(V13), V12, None, False, id="1.2 where 1.3 is the least"),
        pytest.param(STRICT, V12, "ECDHE-ECDSA-AES256-GCM-SHA384", True, id="the suite that is chosen"),
        pytest.param(STRICT, V12, "ECDHE-ECDSA-AES128-GCM-SHA256", False, id="one that is not"),
    ],
)
async def test_what_a_listener_agrees_to(
    authority: Authority, place: Place, strength: Strength, version: ssl.TLSVersion, ciphers: str | None, agreed: bool
) -> None:
    tls = ssl.create_default_context(cafile=str(authority.file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own about TLS 1.1
        tls.minimum_version = tls.maximum_version = version
    if ciphers:
        tls.set_ciphers(ciphers)
    async with serving(server_context(place.pair.certificate, place.pair.key, strength=strength)) as port:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        except (ssl.SSLError, ConnectionError):
            assert not agreed
            return
        writer.close()
        await writer.wait_closed()
        assert agreed
