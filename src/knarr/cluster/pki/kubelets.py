"""How the kubelet shows who it is, to the API server and to its callers, and gets new certificates in time."""

from __future__ import annotations

import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from knarr.client.client import Client
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.identities import client_at
from knarr.cluster.pki.rotated import files_of, lay_in, read, store_of
from knarr.kubelet.certificates.figures import CLIENT_TTL, RENEW_ERRORS, SERVER_ROTATION, SERVER_TTL, tell_of
from knarr.kubelet.certificates.manager import Manager
from knarr.kubelet.certificates.pairs import Pair
from knarr.kubelet.certificates.store import Store
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures
from knarr.wire.tls import client_context, server_context


@dataclass(frozen=True, slots=True)
class _Way:
    """To the API server: whom to trust, and the token with which a first certificate may be asked for, if any."""

    url: str
    authority: Path | str | None
    verify: bool = True
    token: str = ""

    def __repr__(self) -> str:  # the token stays out of logs and tracebacks
        return f"_Way({self.url!r})"


class NodeCertificates:
    """The kubelet's two certificates; what `running` returns keeps them. Raises UserError where it can get none."""

    def __init__(self, config: Config, clock: Clock, figures: Figures) -> None:
        self._config, self._clock, self._figures = config, clock, figures
        self._way = _way(config)
        self._clients: list[Client] = []
        lay_in(config, clock.now())
        self._client_manager = self._keep_client()
        self._server_manager = self._keep_server()

    def running(self) -> list[Coroutine[Any, Any, None]]:
        """To be run side by side, until cancelled."""
        return [manager.run() for manager in (self._client_manager, self._server_manager) if manager]

    async def client(self) -> Client:
        """The kubelet's client of the API, when there is a certificate to show."""
        if self._client_manager:
            await self._client_manager.there()
        return self._as_node

    async def close(self) -> None:
        """Close the clients' connections."""
        for client in self._clients:
            await client.close()

    def listening(self) -> ssl.SSLContext:
        """For the kubelet's own server; handshakes fail until there is a first certificate."""
        certificate, key = files_of(self._config, "kubelet-server")
        return server_context(certificate, key, self._config.pki / "ca.crt", expected=bool(self._server_manager))

    def _keep_client(self) -> Manager | None:
        store = store_of(self._config, "kubelet")
        if store is None:
            return None
        if not self._way.token and not read(self._config, "kubelet"):
            raise UserError(f"the kubelet has no certificate at {store.current}; get it one by --bootstrap-kubeconfig")

        async def renewed() -> Pair:
            from knarr.kubelet.certificates.requests import CLIENT, ask  # once in a year

            return await ask(self._whoever_may_ask(store), self._clock, CLIENT, self._config.node_name)

        def failed() -> None:
            errors.n += 1

        errors = self._figures.count(RENEW_ERRORS)
        tell_of(self._figures, CLIENT_TTL, store, self._clock)
        return Manager(store, self._clock, renewed, failed=failed)

    def _keep_server(self) -> Manager | None:
        store = store_of(self._config, "kubelet-server")
        if store is None:
            return None
        names = (self._config.node_name, self._config.node_ip)

        async def renewed() -> Pair:
            from knarr.kubelet.certificates.requests import SERVING, ask

            return await ask(await self.client(), self._clock, SERVING, self._config.node_name, names)

        tell_of(self._figures, SERVER_TTL, store, self._clock)
        replaced = self._figures.spread(SERVER_ROTATION).observe
        return Manager(store, self._clock, renewed, names=lambda: names, rotated=replaced)

    def _whoever_may_ask(self, store: Store) -> Client:
        """The node itself as long as it can show who it is, and whoever holds the token before and after."""
        found = store.read()
        can_show = found is not None and self._clock.now() < found.ends
        return self._as_node if can_show or not self._way.token else self._as_bootstrapper

    @cached_property
    def _as_node(self) -> Client:
        certificate, key = files_of(self._config, "kubelet")
        tls = client_context(self._way.authority, certificate, key, verify=self._way.verify)
        return self._opened(client_at(self._way.url, tls, "kubelet", self._figures))

    @cached_property
    def _as_bootstrapper(self) -> Client:
        tls = client_context(self._way.authority, verify=self._way.verify)
        headers = {"authorization": f"Bearer {self._way.token}"}
        return self._opened(client_at(self._way.url, tls, "kubelet", headers=headers))

    def _opened(self, client: Client) -> Client:
        self._clients.append(client)
        return client


def _way(config: Config) -> _Way:
    path = config.kubelet.rotation.bootstrap_kubeconfig
    if not path:
        return _Way(config.api_url, config.pki / "ca.crt")
    from knarr.client.kubeconfig import KubeconfigError, load  # YAML's library is no small one

    try:
        found = load(Path(path))
    except KubeconfigError as error:
        raise UserError(f"--bootstrap-kubeconfig: {error}") from None
    if not found.token:
        raise UserError(f"--bootstrap-kubeconfig: {path} has no token for its user")
    return _Way(found.server, found.ca.decode() or None, not found.insecure, found.token)
