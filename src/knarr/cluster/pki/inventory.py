"""What certificates the cluster has, read for its operator: whom each names, who vouches for it, until when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from knarr.client.kubeconfig import load
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.table import PARTS
from knarr.cluster.identities import is_known_to
from knarr.cluster.pki.leaves import AUTHORITIES, leaves
from knarr.cluster.pki.rotated import files_of
from knarr.machinery.times import format_time, human_duration

_CERTIFICATE = re.compile("(cert|ca)_?file$|_certificate(_authority)?$")  # flags whose files hold some


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """One certificate; of a file with several, that which ends first. Times are RFC 3339, `residual_seconds` negative
    once it has ended; `problem` where there is none to read.
    """

    name: str
    file: str
    subject: str = ""
    groups: Sequence[str] = ()
    authority: str = ""
    expires: str = ""
    residual_seconds: int = 0
    expired: bool = False
    problem: str = ""

    @property
    def is_well(self) -> bool:
        return not self.expired and not self.problem


def inventory(config: Config, kubeconfig: Path, now: datetime) -> Iterator[Entry]:
    """Every certificate of the cluster, the admin's in kubeconfig files among them, and the authorities last.

    Raises UserError where the files may not be read.
    """
    for name in (leaf.file for leaf in leaves(config)):
        certificate, _ = files_of(config, name)
        yield _entry(name, certificate if certificate.exists() else config.pki / f"{name}.crt", now)
    yield from _given(config, now)
    yield from _of_kubeconfigs(config, kubeconfig, now)
    for name in AUTHORITIES:
        yield _entry(name, config.pki / f"{name}.crt", now)


def table(entries: Iterable[Entry]) -> Iterator[str]:
    """Lines for a terminal."""
    rows = [("CERTIFICATE", "SUBJECT", "AUTHORITY", "EXPIRES", "RESIDUAL"), *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(entry: Entry) -> tuple[str, ...]:
    if entry.problem:
        return entry.name, entry.problem, "", "", "none"
    subject = f"{entry.subject} ({', '.join(entry.groups)})" if entry.groups else entry.subject
    residual = "expired" if entry.expired else human_duration(entry.residual_seconds)
    return entry.name, subject, entry.authority, entry.expires, residual


def _given(config: Config, now: datetime) -> Iterator[Entry]:
    """What flags name beside our own, or in their place."""
    told = [getattr(getattr(config, part), subject) for part, flags in PARTS.items() for subject in flags.subjects()]
    for flags in (*told, config):
        for field in filter(_CERTIFICATE.search, flags.__struct_fields__):
            if file := getattr(flags, field):
                yield _entry(f"--{field.replace('_', '-')}", Path(file), now)


def _of_kubeconfigs(config: Config, kubeconfig: Path, now: datetime) -> Iterator[Entry]:
    for name, path in (("admin.kubeconfig", config.admin_kubeconfig), ("kubeconfig", kubeconfig)):
        if is_known_to(config, path) and (certificate := load(path, config.name).certificate):
            yield _read(name, path, certificate, now)


def _entry(name: str, file: Path, now: datetime) -> Entry:
    try:
        return _read(name, file, file.read_bytes(), now)
    except FileNotFoundError:
        return Entry(name, str(file), problem="missing")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror} (run it with sudo)") from None


def _read(name: str, file: Path, pem: bytes, now: datetime) -> Entry:
    try:
        certificate = min(x509.load_pem_x509_certificates(pem), key=lambda found: found.not_valid_after_utc)
    except ValueError:
        return Entry(name, str(file), problem="unreadable")
    end = certificate.not_valid_after_utc
    return Entry(
        name,
        str(file),
        *_identity(certificate.subject),
        _identity(certificate.issuer)[0],
        format_time(end),
        int((end - now).total_seconds()),
        end <= now,
    )


def _identity(name: x509.Name) -> tuple[str, tuple[str, ...]]:
    """Common name and organizations: user and groups."""
    common = [str(a.value) for a in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return common[0] if common else "", tuple(
        str(a.value) for a in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    )
