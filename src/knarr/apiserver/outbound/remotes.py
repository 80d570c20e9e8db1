"""A webhook that a kubeconfig file names: authorizers, token reviewers and the like, outside of the cluster's API.

The cluster of the file's current context is the webhook, with the exact URL that is posted to; its user is this server.
https://kubernetes.io/docs/reference/access-authn-authz/webhook/#configuration-file-format
"""

from __future__ import annotations

import logging
import random
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from knarr.apiserver.outbound.calls import HEADERS, CallError, post
from knarr.client.kubeconfig import Credentials, KubeconfigError, load
from knarr.machinery.clock import Clock
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request
from knarr.wire.tls import client_context

log = logging.getLogger(__name__)

_FRESH = 60.0  # seconds after which the file, and those that it names, are looked at again: tokens are rotated
_HEADERS = {**HEADERS, "user-agent": "kube-apiserver"}


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to ask, and how long to wait between: upstream's for webhooks of authentication and authorization."""

    first: float = 0.5  # seconds
    factor: float = 1.5
    jitter: float = 0.2
    attempts: int = 5


class Remote:
    """Posts JSON to the webhook. Raises KubeconfigError, now, for a file that names none."""

    def __init__(self, file: Path, clock: Clock, retry: Retry = Retry()) -> None:
        self._file, self._clock, self._retry = file, clock, retry
        self._looked = clock.monotonic()
        self._connect(_read(file))

    async def call(self, body: bytes, seconds: float) -> bytes:
        """The body of the answer, if that is a success; `seconds`, of an attempt, are real ones. Raises CallError."""
        pause = self._retry.first
        for _ in range(self._retry.attempts - 1):
            try:
                return await self._attempt(body, seconds)
            except CallError as error:
                if not error.passing:
                    raise
            await self._clock.sleep(pause * (1 + self._retry.jitter * random.random()))  # noqa: S311  # not a secret
            pause *= self._retry.factor
        return await self._attempt(body, seconds)

    def close(self) -> None:
        """Keep no connection any more; a call under way goes on."""
        self._transport.retire()

    async def _attempt(self, body: bytes, seconds: float) -> bytes:
        self._refresh()
        parts = urlsplit(self._credentials.server)
        request = Request("POST", parts.path, f"timeout={seconds:g}s", _HEADERS, body)
        url = f"{parts.scheme}://{parts.netloc}"
        return await post(self._transport, url, request, seconds, host=parts.hostname or "")

    def _refresh(self) -> None:
        """Go by what the files say now; what cannot be read leaves all as it was."""
        if self._clock.monotonic() - self._looked < _FRESH:
            return
        self._looked = self._clock.monotonic()
        try:
            credentials = _read(self._file)
            if credentials != self._credentials:
                old = self._transport
                self._connect(credentials)
                old.retire()
        except KubeconfigError as error:
            log.warning("the webhook is asked as before: %s", error)

    def _connect(self, credentials: Credentials) -> None:
        parts = urlsplit(credentials.server)
        self._transport = HTTPTransport(
            f"{parts.scheme}://{parts.netloc}",
            tls=_tls(credentials) if parts.scheme == "https" else None,
            server_name=credentials.server_name or None,
            headers=lambda: _authorization(credentials),
            repeatable=True,
        )
        self._credentials = credentials


def _read(file: Path) -> Credentials:
    """Raises KubeconfigError."""
    found = load(file)
    if urlsplit(found.server).scheme not in ("http", "https"):
        raise KubeconfigError(f"{file} names no URL of a server")
    return found


def _authorization(credentials: Credentials) -> Mapping[str, str]:
    if credentials.token:
        return {"authorization": f"Bearer {credentials.token}"}
    if credentials.user:
        return {"authorization": f"Basic {b64encode(f'{credentials.user}:{credentials.password}'.encode()).decode()}"}
    return {}


def _tls(credentials: Credentials) -> ssl.SSLContext:
    """Raises KubeconfigError."""
    try:
        context = client_context(credentials.ca.decode() or None, verify=not credentials.insecure)
        if credentials.certificate:
            _show(context, credentials)
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"the certificates cannot be used: {error}") from None
    return context


def _show(context: ssl.SSLContext, credentials: Credentials) -> None:
    """Load who we are; ssl takes that from files alone, readable by nobody else and gone at once."""
    with NamedTemporaryFile() as file:
        file.write(credentials.certificate + b"\n" + credentials.key)
        file.flush()
        context.load_cert_chain(file.name)
