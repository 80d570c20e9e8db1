"""Flags about how the server is reached."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text
from knarr.wire.ciphers import unknown

VERSIONS = ("VersionTLS12", "VersionTLS13")


class Serving(Flags, frozen=True, kw_only=True):
    """The files that the server shows itself and knows its clients with (those of the cluster's own folder if empty),
    and how weak a connection may be.
    """

    tls_cert_file: Annotated[File, Text(description="the certificate to serve with")] = File("")
    tls_private_key_file: Annotated[File, Text(description="its key")] = File("")
    client_ca_file: Annotated[File, Text(description="the authorities that vouch for clients")] = File("")

    tls_min_version: Annotated[str, Text(description=f"the oldest TLS: {' or '.join(VERSIONS)}")] = "VersionTLS12"
    tls_cipher_suites: Annotated[tuple[str, ...], Text(description="the suites of TLS 1.2, by their IANA names")] = ()

    def problems(self) -> list[str]:
        found = [
            f"--tls-cipher-suites: Cipher suite {suite} not supported or doesn't exist"
            for suite in unknown(self.tls_cipher_suites)
        ]
        if bool(self.tls_cert_file) != bool(self.tls_private_key_file):
            found.append("--tls-cert-file and --tls-private-key-file must be specified together")
        if self.tls_min_version not in VERSIONS:
            found.append(_version_problem(self.tls_min_version))
        return found


def _version_problem(version: str) -> str:
    if version in ("VersionTLS10", "VersionTLS11"):
        return f"--tls-min-version: {version} is broken (RFC 8996), and not served; choose from {', '.join(VERSIONS)}"
    return f'--tls-min-version: unknown tls version "{version}"'
