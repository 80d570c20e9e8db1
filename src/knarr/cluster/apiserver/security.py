"""What the API server is given: its keys, whom it believes, who decides, and its place in the cluster."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

from knarr.apiserver.assembly import Security
from knarr.apiserver.registry import Options
from knarr.cluster.apiserver.authentication import authentication
from knarr.cluster.apiserver.authorizers import authorization
from knarr.cluster.apiserver.tokens import account_tokens
from knarr.cluster.config import Config
from knarr.wire.tls import client_context


def security_of(config: Config) -> Security:
    """Raises UserError."""
    pki = config.pki
    return Security(
        kubelet_tls=kubelet_context(config),
        accounts=account_tokens(config),
        authentication=authentication(config),
        authorization=authorization(config),
        front_proxy=(pki / "front-proxy-client.crt", pki / "front-proxy-client.key"),
    )


def kubelet_context(config: Config) -> ssl.SSLContext:
    """What connections to kubelets are made with."""
    flags, own = config.api.kubelets, config.pki / "apiserver-kubelet-client"
    certificate, key = flags.kubelet_client_certificate or f"{own}.crt", flags.kubelet_client_key or f"{own}.key"
    return client_context(
        Path(flags.kubelet_certificate_authority or config.pki / "ca.crt"), Path(certificate), Path(key)
    )


def options_of(config: Config, told: dict[str, str]) -> Options:
    """`told` is how users prove who they are, for the servers of aggregated APIs."""
    first, _, last = config.node_ports.partition("-")
    return Options(
        service_cidr=ipaddress.IPv4Network(config.service_cidr),
        node_ports=range(int(first), int(last) + 1),
        advertise_address=config.node_ip,
        advertise_port=config.api_port,
        extension_authentication=told,
    )
