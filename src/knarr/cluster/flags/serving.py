"""Flags about how the server is reached."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Serving(Flags, frozen=True, kw_only=True):
    """The files that the server shows itself and knows its clients with; those of the cluster's own folder if empty."""

    tls_cert_file: Annotated[File, Text(description="the certificate to serve with")] = File("")
    tls_private_key_file: Annotated[File, Text(description="its key")] = File("")
    client_ca_file: Annotated[File, Text(description="the authorities that vouch for clients")] = File("")

    def problems(self) -> list[str]:
        if bool(self.tls_cert_file) != bool(self.tls_private_key_file):
            return ["--tls-cert-file and --tls-private-key-file must be specified together"]
        return []
