"""The sockets that the API server listens on."""

from __future__ import annotations

import resource
import ssl
from pathlib import Path

from knarr.apiserver.app import Application
from knarr.cluster.apiserver.authentication import client_authorities, proxy_authorities
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.wire.server import Server
from knarr.wire.tls import Strength, server_context


def _allow_connections() -> None:
    """Open as many files as the system grants, not the few that shells ask for: every connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def listen(config: Config, application: Application) -> Server:
    """Listen on loopback and on the node's own address, nowhere else. Raises UserError."""
    _allow_connections()
    pki, flags = config.pki, config.api.serving
    certificate, key = flags.tls_cert_file or pki / "apiserver.crt", flags.tls_private_key_file or pki / "apiserver.key"
    tls = server_context(
        Path(certificate),
        Path(key),
        client_authorities(config),
        proxy_ca=proxy_authorities(config),
        strength=_strength(config),
    )
    server = Server(application, tls=tls, oversized=application.oversized)
    try:
        for address in dict.fromkeys(("127.0.0.1", config.node_ip)):
            await server.listen(address, config.api_port)
    except OSError as error:
        await server.close(0)
        raise UserError(
            f"the API server cannot listen on port {config.api_port}: {error.strerror}; "
            f"choose another port with: knarr up --api-port"
        ) from None
    return server


def _strength(config: Config) -> Strength:
    flags = config.api.serving
    newest = flags.tls_min_version == "VersionTLS13"
    return Strength(ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2, flags.tls_cipher_suites)
