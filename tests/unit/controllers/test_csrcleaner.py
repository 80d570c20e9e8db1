"""When requests for certificates go."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from knarr.client.objects import JSON
from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers import csrcleaner
from tests.unit.controllers.bench import NOW, Bench

HOUR = 3600
NAMES = x509.Name([])


def certificate(lasts: float) -> str:
    key, start = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(NAMES, NAMES, key.public_key(), 1, start, start + timedelta(seconds=lasts))
    return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)).decode()


def conditions(*types: str) -> list[JSON]:
    return [{"type": kind, "status": "True", "lastUpdateTime": NOW} for kind in types]


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        pytest.param({}, 24 * HOUR, id="nobody has said anything"),
        pytest.param({"conditions": conditions("Denied")}, HOUR, id="denied"),
        pytest.param({"conditions": conditions("Approved", "Failed")}, HOUR, id="failed"),
        pytest.param({"conditions": conditions("Approved")}, 24 * HOUR, id="approved, and its signer is silent"),
        pytest.param({"conditions": conditions("Approved"), "certificate": certificate(90 * HOUR)}, HOUR, id="issued"),
        pytest.param(
            {"conditions": conditions("Approved"), "certificate": certificate(600)}, 600, id="issued, and expired"
        ),
        pytest.param(
            {"conditions": conditions("Approved"), "certificate": base64.b64encode(b"x").decode()},
            HOUR,
            id="issued something",
        ),
    ],
)
async def test_a_request_is_kept_for_so_long(status: JSON, seconds: float) -> None:
    bench = Bench(csrcleaner.CONTROLLER)
    bench.put(SIGNING_REQUESTS, "r", "", metadata={"creationTimestamp": NOW}, status=status)
    async with bench.running():
        await bench.advance(seconds - 1)
        assert bench.done == []
        await bench.advance(1)
        assert bench.done == [f"DELETE {SIGNING_REQUESTS.path('', 'r')}"]


async def test_other_conditions_keep_a_request() -> None:
    bench = Bench(csrcleaner.CONTROLLER)
    status = {"conditions": conditions("Seen")}
    bench.put(SIGNING_REQUESTS, "r", "", metadata={"creationTimestamp": NOW}, status=status)
    async with bench.running():
        await bench.advance(1000 * HOUR)
    assert bench.done == []


async def test_a_new_request_of_the_name_is_left_alone() -> None:
    bench = Bench(csrcleaner.CONTROLLER)
    made = bench.put(SIGNING_REQUESTS, "r", "", metadata={"creationTimestamp": NOW})
    async with bench.running():
        await bench.advance(24 * HOUR)
    ((_, _, options),) = bench.actions
    assert options["preconditions"] == {"uid": made["metadata"]["uid"]}
