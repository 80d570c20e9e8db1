"""Certificates and requests for them, as far as the API reads them: what is asked for, and whether it is well-formed.

The library that reads them is imported where it is needed: few requests come, and loading it takes milliseconds.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knarr.machinery.fielderrors import FieldError, invalid

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest, GeneralName

_REQUEST, _CERTIFICATE = "CERTIFICATE REQUEST", "CERTIFICATE"
_LARGEST = 128 * 1024  # bytes of a request: with 3000 names; everybody waits while it is read, which is several times
_LINE = b"\n-----BEGIN "
_BEGIN = re.compile(rb"\n-----BEGIN ([^\n-]*)-----[ \t\r]*(?=\n)")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of PEM (RFC 7468): its label, what it holds, and whether it has the headers of older mail."""

    label: str
    content: bytes
    has_headers: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, read as upstream reads it: of several common names the last one counts.

    Addresses are in their canonical form.
    """

    request: CertificateSigningRequest
    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    emails: tuple[str, ...]
    uris: tuple[str, ...]


def pem_blocks(text: bytes) -> Iterator[Block]:
    """The blocks of a text, comments between them left out; what follows a broken one is not looked at.

    Raises ValueError for one that is no base64.
    """
    text = b"\n" + text
    at = text.find(_LINE)
    while at >= 0 and (begin := _BEGIN.match(text, at)):
        end = text.find(b"\n-----END " + begin[1] + b"-----", begin.end())
        if end < 0:
            return
        headers, content = _parted(text[begin.end() : end])
        yield Block(begin[1].decode(errors="replace"), base64.b64decode(content, validate=True), headers)
        at = text.find(_LINE, end)


def _parted(body: bytes) -> tuple[bool, bytes]:
    """Whether there are headers, and the base64 without them."""
    lines = [line.strip() for line in body.splitlines()]
    return any(b":" in line for line in lines), b"".join(line for line in lines if b":" not in line)


def read_request(pem: bytes) -> Wanted:
    """A PKCS#10 request (RFC 2986) in PEM, signed with the key that it names. Raises ValueError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType, load_der_x509_csr

    if len(pem) > _LARGEST:
        raise ValueError(f"a request must have at most {_LARGEST} bytes")
    block = next(pem_blocks(pem), None)
    if block is None or block.label != _REQUEST:
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    try:
        request = load_der_x509_csr(block.content)
        if not request.is_signature_valid:
            raise ValueError(_unsigned(request))
        return _wanted(request)
    except (TypeError, UnsupportedAlgorithm, InvalidVersion, DuplicateExtension, UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None  # a TypeError is an attribute of the subject that is no text


def _unsigned(request: CertificateSigningRequest) -> str:
    """That another key has signed it, in the words of Go's library."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = request.public_key()
    if isinstance(key, RSAPublicKey):
        return "crypto/rsa: verification error"
    return f"x509: {'ECDSA' if isinstance(key, EllipticCurvePublicKey) else 'Ed25519'} verification failure"


def _wanted(request: CertificateSigningRequest) -> Wanted:
    from cryptography.x509 import DNSName, IPAddress, RFC822Name, UniformResourceIdentifier
    from cryptography.x509.oid import NameOID

    subject, alternatives = request.subject, alternative_names(request)
    names = [str(part.value) for part in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)

    def values(sort: type[GeneralName]) -> tuple[str, ...]:
        return tuple(str(name.value) for name in alternatives if isinstance(name, sort))

    return Wanted(
        request=request,
        common_name=names[-1] if names else "",
        organizations=tuple(str(part.value) for part in groups),
        dns_names=values(DNSName),
        addresses=values(IPAddress),
        emails=values(RFC822Name),
        uris=values(UniformResourceIdentifier),
    )


def alternative_names(request: CertificateSigningRequest) -> Collection[GeneralName]:
    """The names that a request asks for beside its subject's, of all sorts."""
    from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName

    try:
        return list(request.extensions.get_extension_for_class(SubjectAlternativeName).value)
    except ExtensionNotFound:
        return []


def validate_request(path: str, encoded: str) -> Iterable[FieldError]:
    """One PEM block, with a request that is signed with its own key."""
    try:
        read_request(base64.b64decode(encoded))
    except ValueError as error:
        yield invalid(path, encoded, str(error))


def validate_certificate(path: str, encoded: str) -> Iterable[FieldError]:
    """PEM blocks of certificates, at least one; comments may stand between them."""
    try:
        _read_chain(base64.b64decode(encoded))
    except ValueError as error:
        yield invalid(path, "<certificate data>", str(error))


def _read_chain(pem: bytes) -> None:
    """Raises ValueError for what is none."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    found = False
    for block in pem_blocks(pem):
        found = True
        if block.label != _CERTIFICATE:
            raise ValueError(f'only CERTIFICATE PEM blocks are allowed, found "{block.label}"')
        if block.has_headers:
            raise ValueError("no PEM block headers are permitted")
        try:
            load_der_x509_certificate(block.content)
        except InvalidVersion as error:
            raise ValueError(str(error)) from None
    if not found:
        raise ValueError("must contain at least one CERTIFICATE PEM block")
