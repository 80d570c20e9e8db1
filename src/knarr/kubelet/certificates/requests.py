"""Asking the cluster for a certificate: a CertificateSigningRequest, and waiting until somebody approved and signed it.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from knarr.api.signers import KUBELET_CLIENT, KUBELET_SERVING, NODE_GROUP, NODE_USER
from knarr.client.client import Client
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import SIGNING_REQUESTS
from knarr.kubelet.certificates.pairs import Pair, RefusedError
from knarr.machinery.clock import Clock, at_most
from knarr.machinery.errors import Gone

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

PATIENCE = 900.0  # seconds that a request may wait for its approval before another one is made
_PAUSE = 1.0  # seconds until a watch that was cut off is begun again


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a certificate is for: who signs it, and how its key will be used."""

    signer: str
    usage: str


CLIENT = Purpose(KUBELET_CLIENT, "client auth")
SERVING = Purpose(KUBELET_SERVING, "server auth")


class Condition(View, frozen=True):
    type: str = ""
    reason: str = ""
    message: str = ""


class Status(View, frozen=True):
    conditions: tuple[Condition, ...] = ()
    certificate: str | None = None


class SigningRequest(Object, frozen=True):
    status: Status = Status()


async def ask(client: Client, clock: Clock, purpose: Purpose, node: str, names: Iterable[str] = ()) -> Pair:
    """A new key with its certificate for the kubelet of `node`, which may serve as `names`.

    Raises RefusedError, TimeoutError after PATIENCE, and as the client does.
    """
    key, body = _request(purpose, node, names)
    made = await client.create(SIGNING_REQUESTS, body, view=SigningRequest)
    signing = asyncio.ensure_future(_signed(client, clock, made.metadata.name))
    await at_most(clock, PATIENCE, signing)
    await asyncio.wait([signing])
    if signing.cancelled():
        raise TimeoutError(f"{made.metadata.name} was neither approved nor denied in {PATIENCE:g} s")
    return _checked(signing.result(), key)


def _request(purpose: Purpose, node: str, names: Iterable[str]) -> tuple[ec.EllipticCurvePrivateKey, JSON]:
    """A key, and the object that asks for its certificate."""
    from cryptography import x509  # here: a kubelet that has nothing to renew never loads it
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NODE_GROUP),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NODE_USER}{node}"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder(subject)
    if hosts := [_general_name(name) for name in sorted(names)]:
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    spec = {
        "request": base64.b64encode(request).decode(),
        "signerName": purpose.signer,
        "usages": ["digital signature", purpose.usage],
    }
    return key, {"metadata": {"generateName": "csr-"}, "spec": spec}


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


async def _signed(client: Client, clock: Clock, name: str) -> bytes:
    """The certificate, when it is there. Watches end, and servers restart: that is no answer."""
    while True:
        try:
            request = await client.get(SIGNING_REQUESTS, name, view=SigningRequest)
            if certificate := _outcome(request):
                return certificate
            await _change(client, request)
        except (ConnectionError, TimeoutError, Gone):
            await clock.sleep(_PAUSE)


async def _change(client: Client, request: SigningRequest) -> None:
    """Wait until somebody has written to the request, or the watch for that ends."""
    selector, version = f"metadata.name={request.metadata.name}", request.metadata.resource_version
    watch = client.watch(SIGNING_REQUESTS, view=Object, resource_version=version, field_selector=selector)
    try:
        async for event in watch:
            if event.type != "BOOKMARK":
                return
    finally:
        await watch.aclose()


def _outcome(request: SigningRequest) -> bytes | None:
    """The certificate, or None as long as nothing is decided. Raises RefusedError."""
    for condition in request.status.conditions:
        if condition.type in ("Denied", "Failed"):
            reason = ": ".join(text for text in (condition.reason, condition.message) if text)
            raise RefusedError(f"{request.metadata.name} {condition.type.lower()}: {reason}")
    return base64.b64decode(request.status.certificate) if request.status.certificate else None


def _checked(certificate: bytes, key: ec.EllipticCurvePrivateKey) -> Pair:
    """The pair, if it is one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    try:
        signed = x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise RefusedError(f"what was signed is no certificate: {error}") from None
    if signed.public_key() != key.public_key():
        raise RefusedError("what was signed is the certificate of another key")
    return Pair(certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
