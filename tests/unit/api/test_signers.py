"""What is read of a request for a certificate, and which each of Kubernetes' own signers may sign."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from knarr.api.certificates import read_request
from knarr.api.signers import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN, REFUSALS
from tests.signingrequests import Key, Subject, named, request

KUBELET = named("system:node:n", "system:nodes")
CLIENT, SERVING = ("digital signature", "client auth"), ("digital signature", "server auth")
MAIL, PAGE = x509.RFC822Name("a@b.c"), x509.UniformResourceIdentifier("https://a.b")


@pytest.mark.parametrize(
    ("signer", "subject", "names", "usages", "refusal"),
    [
        pytest.param(API_CLIENT, named("jane", "dev"), ["a.b"], CLIENT, "", id="a client"),
        pytest.param(API_CLIENT, [], [], ["client auth"], "", id="a client without a name"),
        pytest.param(
            API_CLIENT,
            named("jane"),
            [],
            [*CLIENT, "server auth"],
            "invalid usage for client certificate: server auth",
            id="a client that would serve",
        ),
        pytest.param(
            API_CLIENT,
            named("jane"),
            [],
            ["digital signature"],
            "missing required usage for client certificate: client auth",
            id="a client that is none",
        ),
        pytest.param(KUBELET_CLIENT, KUBELET, [], CLIENT, "", id="a kubelet"),
        pytest.param(KUBELET_CLIENT, KUBELET, [], ["key encipherment", *CLIENT], "", id="a kubelet with an RSA key"),
        pytest.param(
            KUBELET_CLIENT,
            named("system:node:n", "system:nodes", "system:masters"),
            [],
            CLIENT,
            "subject organization is not system:nodes",
            id="a kubelet that would be more",
        ),
        pytest.param(KUBELET_CLIENT, KUBELET, ["a.b"], CLIENT, "DNS subjectAltNames are not allowed", id="DNS"),
        pytest.param(KUBELET_CLIENT, KUBELET, [MAIL], CLIENT, "Email subjectAltNames are not allowed", id="email"),
        pytest.param(KUBELET_CLIENT, KUBELET, ["10.0.0.1"], CLIENT, "IP subjectAltNames are not allowed", id="IP"),
        pytest.param(KUBELET_CLIENT, KUBELET, [PAGE], CLIENT, "URI subjectAltNames are not allowed", id="URI"),
        pytest.param(
            KUBELET_CLIENT,
            named("jane", "system:nodes"),
            [],
            CLIENT,
            "subject common name does not begin with system:node:",
            id="no kubelet",
        ),
        pytest.param(
            KUBELET_CLIENT,
            KUBELET,
            [],
            SERVING,
            "usages did not match [client auth digital signature key encipherment]",
            id="other usages",
        ),
        pytest.param(KUBELET_SERVING, KUBELET, ["n.example.com", "10.0.0.1"], SERVING, "", id="a kubelet that serves"),
        pytest.param(
            KUBELET_SERVING, KUBELET, [], SERVING, "DNS or IP subjectAltName is required", id="serving as nobody"
        ),
        pytest.param(
            KUBELET_SERVING, KUBELET, ["n", PAGE], SERVING, "URI subjectAltNames are not allowed", id="serving a page"
        ),
        pytest.param(
            KUBELET_SERVING, KUBELET, ["n", MAIL], SERVING, "Email subjectAltNames are not allowed", id="serving mail"
        ),
        pytest.param(
            KUBELET_SERVING,
            KUBELET,
            ["n"],
            CLIENT,
            "usages did not match [digital signature key encipherment server auth]",
            id="serving as a client",
        ),
        pytest.param(
            KUBELET_SERVING,
            named("n", "system:nodes"),
            ["n"],
            SERVING,
            "subject common name does not begin with system:node:",
            id="serving as somebody else",
        ),
        pytest.param(LEGACY_UNKNOWN, named("x", "y"), ["a.b", MAIL], ["any"], "", id="whatever"),
    ],
)
def test_what_a_signer_refuses(
    signer: str, subject: Subject, names: list[str], usages: list[str], refusal: str
) -> None:
    assert REFUSALS[signer](read_request(request(subject, *names)), usages) == refusal


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="ECDSA"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
    ],
)
def test_keys_of_all_sorts_sign_their_requests(key: Key) -> None:
    wanted = read_request(request(named("jane", "b", "a"), "x.y", "10.0.0.1", "::1", MAIL, PAGE, key=key))
    assert (wanted.common_name, wanted.organizations) == ("jane", ("b", "a"))
    assert (wanted.dns_names, wanted.addresses) == (("x.y",), ("10.0.0.1", "::1"))
    assert (wanted.emails, wanted.uris) == (("a@b.c",), ("https://a.b",))


def test_of_several_common_names_the_last_counts() -> None:
    subject = [(NameOID.COMMON_NAME, "first"), (NameOID.COMMON_NAME, "last")]
    assert read_request(request(subject)).common_name == "last"


def _armoured(der: bytes) -> bytes:
    text = base64.b64encode(der)
    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + text + b"\n-----END CERTIFICATE REQUEST-----\n"


def _element(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    assert len(content) < 256
    return bytes([tag, *([0x81] if len(content) > 127 else []), len(content)]) + content


def _resigned(change: tuple[bytes, bytes]) -> bytes:
    """A request with some of its bytes replaced by as many others, and signed again."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.load_pem_x509_csr(request(named("x"), key=key))
    asked = made.tbs_certrequest_bytes.replace(*change)
    algorithm = _element(0x30, _element(0x06, bytes.fromhex("2a8648ce3d040302")))  # ecdsa-with-SHA256
    signature = key.sign(asked, ec.ECDSA(hashes.SHA256()))
    return _armoured(_element(0x30, asked + algorithm + _element(0x03, b"\0" + signature)))


def _broken() -> bytes:
    """A request with another signature."""
    der = bytearray(x509.load_pem_x509_csr(request(named("x"))).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return _armoured(bytes(der))


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        pytest.param(b"", "PEM block type must be CERTIFICATE REQUEST", id="nothing"),
        pytest.param(b"hello", "PEM block type must be CERTIFICATE REQUEST", id="no PEM"),
        pytest.param(
            request(named("x")).replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"),
            "PEM block type must be CERTIFICATE REQUEST",
            id="another label",
        ),
        pytest.param(
            b"-----BEGIN X-----\nYQ==\n-----END X-----\n" + request(named("x")),
            "PEM block type must be CERTIFICATE REQUEST",
            id="not the first block",
        ),
        pytest.param(_broken(), "x509: ECDSA verification failure", id="another's signature"),
        pytest.param(_resigned((b"\x0c\x01x", b"\x03\x01\0")), "oid must be", id="a name that is no text"),
        pytest.param(_resigned((b"\x02\x01\0", b"\x02\x01\x05")), "5 is not a valid CSR version", id="no version"),
        pytest.param(_armoured(b"a"), "asn1", id="no request"),
        pytest.param(_armoured(b"a").replace(b"YQ==", b"%%%"), "base64", id="no base64"),
        pytest.param(_armoured(b"a").replace(b"END", b"FIN"), "PEM block type", id="no end"),
    ],
)
def test_what_is_no_request(pem: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_request(pem)


def test_a_request_may_have_comments_and_headers_around_it() -> None:
    pem = request(named("jane"))
    headed = pem.replace(b"REQUEST-----\n", b"REQUEST-----\nProc-Type: 4\nX: y\n\n", 1)
    assert read_request(b"Certificate Request:\n    Data:\n" + headed + b"and more\n").common_name == "jane"


def test_a_request_of_very_many_names_is_not_read() -> None:
    names = (f"host-{number}.example.com" for number in range(5000))
    with pytest.raises(ValueError, match="at most 131072 bytes"):
        read_request(request(named("jane"), *names))
