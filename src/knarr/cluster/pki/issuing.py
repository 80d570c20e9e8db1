"""How the cluster's certificates and keys are made.

Keys are ECDSA P-256: as strong as RSA-3072 and made in a millisecond. All files are 0600.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.pki.leaves import AUTHORITIES, Leaf, hosts_file

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
BACKDATED = timedelta(days=2)  # for clocks that disagree, or are set back


def issue(config: Config, leaves: Iterable[Leaf], now: datetime) -> None:
    """Make these certificates anew, and what is missing of the authorities and keys; keys that are there are kept.

    Raises UserError where an authority is there without its key, or has ended.
    """
    config.pki.mkdir(parents=True, exist_ok=True)
    config.pki.chmod(0o700)
    authorities = {name: _authority(config, name, now) for name in AUTHORITIES}
    for leaf in leaves:
        key = _key(config.pki / f"{leaf.file}.key")
        _write(config.pki / f"{leaf.file}.crt", _issue(leaf, key, authorities[leaf.authority], now))
        if leaf.hosts:  # last: without it, or with others in it, the certificate would be made once more
            _write(hosts_file(config, leaf), "\n".join(leaf.hosts).encode())
    _token_key(config.pki / "service-accounts.key")


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _authority(config: Config, name: str, now: datetime) -> _Authority:
    certificate, key = config.pki / f"{name}.crt", config.pki / f"{name}.key"
    if certificate.exists() and not key.exists():
        raise UserError(f"{certificate} is here without its key: only who has the key can renew certificates")
    found = _key(key)
    if certificate.exists():
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
        if known.not_valid_after_utc <= now:
            raise UserError(
                f"{certificate} has ended, and with it all that it vouched for; begin anew with: knarr reset"
            )
        return _Authority(known, found)
    made = _self_signed(f"{config.name}-{name}", found, now)
    _write(certificate, made.public_bytes(Encoding.PEM))
    return _Authority(made, found)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key
    key = ec.generate_private_key(ec.SECP256R1())
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _token_key(path: Path) -> None:
    """The key that signs service account tokens: RSA, since upstream's verifiers are most often set up for RS256."""
    if path.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(path.with_suffix(".pub"), public)
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _self_signed(called: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key, now, now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(leaf: Leaf, key: ec.EllipticCurvePrivateKey, authority: _Authority, now: datetime) -> bytes:
    """No certificate outlives its authority."""
    ca = authority.certificate
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in leaf.groups]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, leaf.user)])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH] if leaf.hosts else [ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(subject, ca.subject, key, now, min(now + LEAF_LIFE, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if leaf.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(leaf.hosts)), critical=False)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
    )


def _alternatives(hosts: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others: a half-written key would be kept for ever."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")  # a server and a command may renew at once
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
