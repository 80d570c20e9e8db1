"""What a certificate says, as the library that reads everything has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from knarr.machinery.certificates import Certificate, certificate_of


def made(begins: datetime, ends: datetime, name: str = "n", hosts: Sequence[x509.GeneralName] = ()) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), begins, ends)
    if hosts:
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, 12, 30, 59, tzinfo=UTC), id="UTCTime"),
        pytest.param(datetime(1950, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC), id="its bounds"),
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC), id="GeneralizedTime"),
    ],
)
def test_times(begins: datetime, ends: datetime) -> None:
    assert certificate_of(made(begins, ends)) == Certificate(begins, ends)


def test_names_of_any_length_are_passed_over() -> None:
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert certificate_of(made(begins, ends, "n" * 64)) == Certificate(begins, ends)


def test_where_it_may_serve() -> None:
    addresses = [x509.IPAddress(ip_address(address)) for address in ("192.0.2.7", "2001:db8::1")]
    hosts = [x509.DNSName("n1"), *addresses, x509.RFC822Name("a@n1")]
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert certificate_of(made(begins, ends, hosts=hosts)).names == {"n1", "192.0.2.7", "2001:db8::1"}


def test_of_several_the_first_counts_whatever_stands_around() -> None:
    first, second = (made(datetime(y, 1, 1, tzinfo=UTC), datetime(y + 1, 1, 1, tzinfo=UTC)) for y in (2026, 2030))
    assert certificate_of(b"a comment\n" + first + second).begins.year == 2026


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="nonsense"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", id="no base64"),
    ],
)
def test_what_is_no_certificate(pem: bytes) -> None:
    with pytest.raises(ValueError, match="certificate"):
        certificate_of(pem)


def test_a_certificate_that_is_cut_off() -> None:
    lines = made(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)).splitlines()
    with pytest.raises(ValueError, match="damaged"):
        certificate_of(b"\n".join([lines[0], lines[1], lines[-1]]))
