"""What approved requests get: a certificate, or the reason why there is none."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from knarr.api.signers import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING
from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers import csrsigning
from knarr.controllers.authority import Authority as Reading
from knarr.machinery.errors import Conflict, NotFound
from tests.signingrequests import Key, named, request, spec
from tests.unit.controllers.bench import Bench

APPROVED = {"type": "Approved", "status": "True", "reason": "x"}
KUBELET = named("system:node:n", "system:nodes")
START = datetime(2026, 1, 1, tzinfo=UTC)  # the bench's clock
MINUTE, YEAR = timedelta(minutes=1), timedelta(days=365)
STATUS = SIGNING_REQUESTS.path("", "r", "status")


class Authority:
    """A certificate authority as settings have it."""

    def __init__(self, key: Key | None = None, *, lasts: timedelta = 10 * YEAR, called: str = "ca") -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
        algorithm = None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        self.certificate = (
            x509.CertificateBuilder(name, name, self.key.public_key(), 1, START - YEAR, START + lasts)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, algorithm)
        )

    def settings(self, signer: str = "") -> dict[str, str]:
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            f"cluster_signing_{signer}cert_file": self.certificate.public_bytes(Encoding.PEM).decode(),
            f"cluster_signing_{signer}key_file": key.decode(),
        }


def ask(bench: Bench, pem: bytes, signer: str = API_CLIENT, *usages: str, **rest: Any) -> None:
    """A request that is approved."""
    asked = spec(pem, signer, *(usages or ("digital signature", "client auth")), **rest)
    bench.put(SIGNING_REQUESTS, "r", "", spec=asked, status={"conditions": [APPROVED]})


def issued(bench: Bench) -> x509.Certificate:
    ((_, path, body),) = bench.actions
    assert path == STATUS
    return x509.load_pem_x509_certificate(base64.b64decode(body["status"]["certificate"]))


@pytest.mark.parametrize(
    "authority",
    [
        pytest.param(Authority(ec.generate_private_key(ec.SECP384R1())), id="of ECDSA"),
        pytest.param(Authority(rsa.generate_private_key(65537, 2048)), id="of RSA"),
        pytest.param(Authority(ed25519.Ed25519PrivateKey.generate()), id="of Ed25519"),
    ],
)
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()), id="ECDSA"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
    ],
)
async def test_keys_of_all_sorts_are_signed_by_authorities_of_all_sorts(authority: Authority, key: Key) -> None:
    bench = Bench(csrsigning.CONTROLLER, **authority.settings())
    ask(bench, request(named("jane", "dev"), key=key))
    await bench.run()
    certificate = issued(bench)
    certificate.verify_directly_issued_by(authority.certificate)
    assert certificate.public_key() == key.public_key()


async def test_a_certificate_says_what_was_asked_for_and_nothing_else() -> None:
    authority = Authority()
    bench = Bench(csrsigning.CONTROLLER, **authority.settings())
    subject = [
        *named("first"),
        (NameOID.EMAIL_ADDRESS, "a@b.c"),
        (NameOID.COUNTRY_NAME, "NO"),
        *named("jane", "b", "a"),
    ]
    other = x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))
    ask(bench, request(subject, "10.0.0.1", other, "a.b"), API_CLIENT, "key encipherment", "client auth")
    await bench.run()
    certificate = issued(bench)
    assert certificate.subject.rfc4514_string() == "CN=jane,O=a+O=b,C=NO"
    extensions = {type(e.value): (e.value, e.critical) for e in certificate.extensions}
    usage = x509.KeyUsage(*[name == 2 for name in range(9)])
    names = x509.SubjectAlternativeName([x509.DNSName("a.b"), x509.IPAddress(ip_address("10.0.0.1"))])
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert extensions == {
        x509.KeyUsage: (usage, True),
        x509.ExtendedKeyUsage: (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
        x509.AuthorityKeyIdentifier: (
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            False,
        ),
        x509.SubjectAlternativeName: (names, False),
    }


@pytest.mark.parametrize(
    ("seconds", "longest", "authority", "ends"),
    [
        pytest.param(None, "8760h", Authority(), YEAR - 5 * MINUTE, id="as long as all"),
        pytest.param(86400, "8760h", Authority(), timedelta(days=1) - 5 * MINUTE, id="a day"),
        pytest.param(3600, "8760h", Authority(), 60 * MINUTE, id="a short one is given whole"),
        pytest.param(600, "8760h", Authority(), 10 * MINUTE, id="the shortest"),
        pytest.param(86400, "1h", Authority(), 60 * MINUTE, id="no longer than it may"),
        pytest.param(None, "8760h", Authority(lasts=30 * MINUTE), 30 * MINUTE, id="no longer than the authority"),
    ],
)
async def test_how_long_a_certificate_lasts(
    seconds: int | None, longest: str, authority: Authority, ends: timedelta
) -> None:
    bench = Bench(csrsigning.CONTROLLER, **authority.settings(), cluster_signing_duration=longest)
    rest: dict[str, Any] = {} if seconds is None else {"expirationSeconds": seconds}
    ask(bench, request(named("jane")), **rest)
    await bench.run()
    certificate = issued(bench)
    assert certificate.not_valid_before_utc == START - 5 * MINUTE
    assert certificate.not_valid_after_utc == START + ends


async def test_what_a_signer_must_not_sign_fails_for_good() -> None:
    bench = Bench(csrsigning.CONTROLLER, **Authority().settings())
    ask(bench, request(named("jane", "system:nodes")), KUBELET_CLIENT)
    await bench.run()
    ((_, path, body),) = bench.actions
    failed = {
        "type": "Failed",
        "status": "True",
        "reason": "SignerValidationFailure",
        "message": "subject common name does not begin with system:node:",
    }
    assert (path, body["status"]) == (STATUS, {"conditions": [APPROVED, failed]})


@pytest.mark.parametrize(
    ("signer", "conditions"),
    [
        pytest.param(API_CLIENT, [], id="nobody has approved"),
        pytest.param(API_CLIENT, [{"type": "Denied", "status": "True"}], id="denied"),
        pytest.param(API_CLIENT, [APPROVED, {"type": "Failed", "status": "True"}], id="failed"),
        pytest.param(API_CLIENT, [APPROVED, {"type": "Denied", "status": "True"}], id="approved and denied"),
        pytest.param("example.com/signer", [APPROVED], id="somebody else's"),
    ],
)
async def test_what_is_left_alone(signer: str, conditions: list[dict[str, str]]) -> None:
    bench = Bench(csrsigning.CONTROLLER, **Authority().settings())
    asked = spec(request(named("jane")), signer, "client auth")
    bench.put(SIGNING_REQUESTS, "r", "", spec=asked, status={"conditions": conditions})
    await bench.run()
    assert bench.actions == []


async def test_a_signer_may_have_an_authority_of_its_own_and_then_all_must() -> None:
    own = Authority(called="own")
    bench = Bench(csrsigning.CONTROLLER, **Authority().settings(), **own.settings("kubelet_serving_"))
    ask(bench, request(KUBELET, "n"), KUBELET_SERVING, "digital signature", "server auth")
    asked = spec(request(named("jane")), API_CLIENT, "client auth")
    bench.put(SIGNING_REQUESTS, "other", "", spec=asked, status={"conditions": [APPROVED]})
    await bench.run()
    assert issued(bench).issuer == own.certificate.subject


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param(
            Authority(lasts=-MINUTE).settings(), "refusing to sign a certificate that expired in the past", id="expired"
        ),
        pytest.param(
            {**Authority().settings(), "cluster_signing_key_file": Authority().settings()["cluster_signing_key_file"]},
            "the key is not that of the certificate",
            id="of another key",
        ),
        pytest.param({**Authority().settings(), "cluster_signing_cert_file": "x"}, "", id="no certificate"),
    ],
)
async def test_an_authority_that_cannot_sign_is_tried_again(
    settings: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(csrsigning.CONTROLLER, **settings)
    ask(bench, request(named("jane")))
    await bench.run()
    assert bench.actions == []
    (record,) = caplog.records
    assert reason in record.message and "retrying" in record.message
    assert "PRIVATE" not in caplog.text


def test_a_key_may_be_in_any_form_that_tools_write() -> None:
    authority = Authority()
    old = authority.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    certificate = authority.certificate.public_bytes(Encoding.PEM)
    assert Reading.read(certificate, parameters + old).certificate == authority.certificate
    with pytest.raises(ValueError, match="expected 1 certificate, found 2"):
        Reading.read(certificate * 2, old)


async def test_a_request_that_changes_meanwhile_is_looked_at_again() -> None:
    bench = Bench(csrsigning.CONTROLLER, **Authority().settings())
    ask(bench, request(named("jane")))
    bench.api.fail("PUT", "certificatesigningrequests/r", Conflict("it has been modified"))
    async with bench.running():
        await bench.advance(1)
    assert bench.done == [f"PUT {STATUS}"] * 2
    assert bench.get(SIGNING_REQUESTS, "r", "")["status"]["certificate"]


async def test_a_request_that_goes_meanwhile_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(csrsigning.CONTROLLER, **Authority().settings())
    ask(bench, request(named("jane")))
    bench.api.fail("PUT", "certificatesigningrequests/r", NotFound("it is gone"))
    async with bench.running():
        await bench.advance(60)
    assert (bench.done, caplog.messages) == ([f"PUT {STATUS}"], [])
