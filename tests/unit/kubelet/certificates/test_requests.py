"""Asking for a certificate: what is asked, and what comes of every answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from knarr.client.client import Client
from knarr.kubelet.certificates.pairs import Pair, RefusedError
from knarr.kubelet.certificates.requests import CLIENT, PATIENCE, SERVING, Purpose, ask
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Forbidden, Gone, NotFound
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.certificates.issuer import read, signed

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    def __init__(self, purpose: Purpose = CLIENT, *names: str) -> None:
        self.api, self.clock = FakeAPI(), VirtualClock()
        self.asking = asyncio.create_task(ask(Client(self.api), self.clock, purpose, "n1", names))

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def request(self) -> dict[str, Any]:
        await self.settle()
        (found,) = self.api.objects.values()
        return found

    async def answer(self, **status: Any) -> None:
        made = await self.request()
        self.api.put(f"{PATH}/{made['metadata']['name']}", {**made, "status": status})

    async def outcome(self) -> Pair:
        async with asyncio.timeout(5):
            return await self.asking


async def test_what_a_client_asks() -> None:
    bench = Bench()
    made = await bench.request()
    assert made["metadata"]["generateName"] == "csr-"
    assert made["kind"] == "CertificateSigningRequest"
    assert {**made["spec"], "request": ""} == {
        "request": "",
        "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
        "usages": ["digital signature", "client auth"],
    }
    asked = read(made)
    assert asked.is_signature_valid
    assert asked.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"
    assert not [*asked.extensions]
    bench.asking.cancel()


async def test_what_a_server_asks() -> None:
    bench = Bench(SERVING, "n1", "192.0.2.7")
    made = await bench.request()
    assert made["spec"]["signerName"] == "kubernetes.io/kubelet-serving"
    assert made["spec"]["usages"] == ["digital signature", "server auth"]
    names = read(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [*names] == [x509.IPAddress(ip_address("192.0.2.7")), x509.DNSName("n1")]
    bench.asking.cancel()


async def test_the_certificate_comes_with_its_key() -> None:
    bench = Bench()
    await bench.answer(**signed(await bench.request(), NOW))
    pair = await bench.outcome()
    key = load_pem_private_key(pair.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert x509.load_pem_x509_certificate(pair.certificate).public_key() == key.public_key()
    assert "PRIVATE" not in repr(pair)


async def test_approval_alone_is_no_answer_yet() -> None:
    bench = Bench()
    await bench.answer(conditions=[{"type": "Approved", "status": "True"}])
    await bench.settle()
    assert not bench.asking.done()
    await bench.answer(**signed(await bench.request(), NOW))
    assert await bench.outcome()


@pytest.mark.parametrize("kind", ["Denied", "Failed"])
async def test_a_refusal_says_why(kind: str) -> None:
    bench = Bench()
    await bench.answer(conditions=[{"type": kind, "status": "True", "reason": "Unknown", "message": "who is it?"}])
    with pytest.raises(RefusedError, match=rf"csr-\d+ {kind.lower()}: Unknown: who is it\?"):
        await bench.outcome()


async def test_a_certificate_of_another_key_is_not_taken() -> None:
    other, bench = Bench(), Bench()
    await bench.answer(**signed(await other.request(), NOW))
    with pytest.raises(RefusedError, match="another key"):
        await bench.outcome()
    other.asking.cancel()


async def test_what_is_no_certificate_is_not_taken() -> None:
    bench = Bench()
    await bench.answer(certificate="eA==")
    with pytest.raises(RefusedError, match="no certificate"):
        await bench.outcome()


async def test_a_request_that_is_deleted_is_not_waited_for() -> None:
    bench = Bench()
    name = (await bench.request())["metadata"]["name"]
    bench.api.remove(f"{PATH}/{name}")
    with pytest.raises(NotFound):
        await bench.outcome()


@pytest.mark.parametrize("misfortune", [ConnectionResetError("gone"), Gone("too old"), TimeoutError()])
async def test_a_watch_that_breaks_is_begun_again(misfortune: Exception) -> None:
    bench = Bench()
    bench.api.fail("WATCH", PATH, misfortune)
    made = await bench.request()
    bench.api.end_watches()
    await bench.answer(**signed(made, NOW))
    await bench.clock.advance(2)
    assert await bench.outcome()


async def test_a_refused_request_is_an_error() -> None:
    bench = Bench()
    bench.api.fail("POST", PATH, Forbidden("no"))
    with pytest.raises(Forbidden):
        await bench.outcome()


async def test_patience_ends() -> None:
    bench = Bench()
    await bench.request()
    await bench.clock.advance(PATIENCE - 1)
    assert not bench.asking.done()
    await bench.clock.advance(1)
    with pytest.raises(TimeoutError, match="neither approved nor denied in 900 s"):
        await bench.outcome()


async def test_who_is_told_to_stop_stops() -> None:
    bench = Bench()
    await bench.request()
    bench.asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await bench.outcome()
    assert timedelta(0) == bench.clock.now() - NOW
