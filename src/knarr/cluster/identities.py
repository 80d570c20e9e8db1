"""Clients of the cluster's API, each with the identity of the part that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knarr.cluster.config import Config

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    from knarr.client.client import Client
    from knarr.client.kubeconfig import Credentials
    from knarr.machinery.figures import Figures
    from knarr.wire.connections import HTTPTransport

# What upstream's components call themselves: the name before the slash owns the fields that they write.
_AGENTS = {
    "controller-manager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
    "proxy": "kube-proxy",
    "kubelet": "kubelet",
}


def client(config: Config, identity: str, figures: Figures | None = None) -> Client:
    """A client over HTTPS as `identity`: the file name of a certificate in the cluster's PKI (leaves.leaves). `figures`
    are told of its requests.
    """
    from knarr.wire.tls import client_context

    tls = client_context(config.pki / "ca.crt", config.pki / f"{identity}.crt", config.pki / f"{identity}.key")
    return client_at(config.api_url, tls, identity, figures)


def client_at(
    url: str, tls: ssl.SSLContext, identity: str, figures: Figures | None = None, headers: Mapping[str, str] = {}
) -> Client:
    """The same for another server, or with other credentials."""
    from knarr.client.client import Client
    from knarr.client.figures import RequestFigures
    from knarr.wire.connections import HTTPTransport

    agent, told = f"{_AGENTS.get(identity, 'knarr')}/knarr", None
    if figures:
        told = RequestFigures(figures, url.removeprefix("https://"))
    return Client(HTTPTransport(url, tls=tls, headers=lambda: headers), user_agent=agent, figures=told)


def bearing(config: Config) -> HTTPTransport:
    """A way to the API for requests that bring a token: no certificate speaks for them."""
    from knarr.wire.connections import HTTPTransport
    from knarr.wire.tls import client_context

    return HTTPTransport(config.api_url, tls=client_context(config.pki / "ca.crt"))


def credentials(config: Config, identity: str = "admin") -> Credentials:
    """The same as a kubeconfig holds it."""
    from knarr.client.kubeconfig import Credentials

    return Credentials(
        server=config.api_url,
        ca=(config.pki / "ca.crt").read_bytes(),
        certificate=(config.pki / f"{identity}.crt").read_bytes(),
        key=(config.pki / f"{identity}.key").read_bytes(),
    )


def is_known_to(config: Config, kubeconfig: Path) -> bool:
    """Whether a kubeconfig has the cluster's context, and not that of another cluster of the name."""
    from knarr.client.kubeconfig import KubeconfigError, load

    try:
        return load(kubeconfig, config.name).server == config.api_url
    except KubeconfigError:
        return False
