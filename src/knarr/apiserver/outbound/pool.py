"""Connections to targets, kept alive between calls."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from pathlib import Path

from knarr.api.webhooks import NO_PEM
from knarr.apiserver.outbound.targets import Service, Target, resolve
from knarr.apiserver.registry import Lister
from knarr.wire.connections import HTTPTransport
from knarr.wire.tls import client_context

_MOST = 256  # targets whose connections are kept
_CONNECT_SECONDS = 30.0  # upstream's


class AuthorityError(ConnectionError):
    """A `caBundle` without certificates; the message is upstream's."""


class Pool:
    """Transports by target; the one not used for longest goes when there are too many.

    `certificate` and `key` (PEM files) are what we show of ourselves; none shows nothing.
    """

    def __init__(self, lister: Lister, certificate: Path | None = None, key: Path | None = None) -> None:
        self._lister = lister
        self._pair = (certificate, key)
        self._transports: OrderedDict[Target, HTTPTransport] = OrderedDict()

    def transport(self, target: Target, *, repeatable: bool = False) -> HTTPTransport:
        """The transport to a target. Raises AuthorityError for an authority that is no PEM."""
        known = self._transports.get(target)
        if known is None:
            known = self._transports[target] = self._make(target, repeatable)
            self._trim()
        self._transports.move_to_end(target)
        return known

    def close(self) -> None:
        """Keep no connection any more; exchanges under way go on."""
        for target in tuple(self._transports):
            self.forget(target)

    def forget(self, target: Target) -> None:
        """Begin anew with the next call: the server behind the idle connections may have gone without a word."""
        if known := self._transports.pop(target, None):
            known.retire()

    def _trim(self) -> None:
        if len(self._transports) > _MOST:
            self.forget(next(iter(self._transports)))

    def _make(self, target: Target, repeatable: bool) -> HTTPTransport:
        service = target.service
        return HTTPTransport(
            target.url,
            tls=self._tls(target),
            address=_Route(self._lister, service) if service else None,
            server_name=service.host if service else None,
            repeatable=repeatable,
            connect_timeout=_CONNECT_SECONDS,
        )

    def _tls(self, target: Target) -> ssl.SSLContext:
        try:
            return client_context(target.authority or None, *self._pair, verify=target.verify)
        except (ssl.SSLError, ValueError):
            raise AuthorityError(f"unable to load root certificates: {NO_PEM}") from None


class _Route:
    """Where a Service's connections go, asked for each."""

    def __init__(self, lister: Lister, service: Service) -> None:
        self._lister, self._service = lister, service

    def __call__(self) -> tuple[str, int]:
        return resolve(self._lister, self._service)
