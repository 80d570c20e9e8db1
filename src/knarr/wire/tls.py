"""TLS contexts: who we are and whom we trust, from PEM files."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knarr.wire.ciphers import openssl
from knarr.wire.following import FollowingContext

_NO_PASSWORD = b""  # an encrypted key is an error; OpenSSL would ask the terminal
_NOT_TLS = (
    b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 48\r\n\r\n"
    b"Client sent an HTTP request to an HTTPS server.\n"
)


@dataclass(frozen=True, slots=True)
class Strength:
    """The least that a listener agrees to. `suites` of TLS 1.2 by their IANA names; none means the default ones."""

    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    suites: tuple[str, ...] = ()


def server_context(
    certificate: Path,
    key: Path,
    client_ca: Path | None = None,
    *,
    proxy_ca: Path | None = None,
    strength: Strength = Strength(),
    expected: bool = False,
) -> ssl.SSLContext:
    """For a listener. With `client_ca`, clients may show a certificate of it, or of `proxy_ca`: whose it is, is for the
    application to tell apart (Peer.chain). One of another CA ends the handshake.

    It follows its files (following.py). Those that are `expected` may be missing: until they come, handshakes fail.
    """

    def bare() -> ssl.SSLContext:
        context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = _OutspokenObject
        context.minimum_version = strength.version
        context.set_ciphers(openssl(strength.suites))
        context.num_tickets = 0  # nobody resumes; a handshake costs a third less
        context.options &= (
            ~ssl.OP_CIPHER_SERVER_PREFERENCE
        )  # clients know best: Go's take AES-128, a fifth cheaper than 256
        context.set_alpn_protocols(["http/1.1"])
        return context

    def make() -> ssl.SSLContext:
        context = bare()
        context.load_cert_chain(certificate, key, _NO_PASSWORD)
        for authority in authorities:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate authority may be trusted by itself
        return context

    authorities = [file for file in (client_ca, proxy_ca) if file]
    files = [certificate, key, *authorities]
    return FollowingContext(ssl.PROTOCOL_TLS_SERVER, make, files, bare if expected else None)


def client_context(
    ca: Path | str | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    verify: bool = True,
    protocols: Sequence[str] = ("http/1.1",),
) -> ssl.SSLContext:
    """For dialling. `ca`: a file's path, or PEM text; None: what the machine trusts. `verify` False trusts anybody.

    It follows its files.
    """

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(list(protocols))
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif isinstance(ca, str):
            context.load_verify_locations(cadata=ca)
        elif ca:
            context.load_verify_locations(ca)
        else:
            context.load_default_certs()
        if certificate:
            context.load_cert_chain(certificate, key, _NO_PASSWORD)
        return context

    files = [file for file in (ca, certificate, key) if isinstance(file, Path)]
    return FollowingContext(ssl.PROTOCOL_TLS_CLIENT, make, files) if files else make()


class _OutspokenObject(ssl.SSLObject):
    """Lets the peer hear why a handshake failed.

    Event loops close at the failure and leave the alert unsent, so that a client with a certificate of another cluster
    would see nothing but the end of the connection. Asked for more input instead, they send what there is; the failure
    comes with whatever the peer does next.
    """

    outgoing: ssl.MemoryBIO
    failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        if self.failure:
            raise self.failure
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.failure = error.with_traceback(None)
            if error.reason == "HTTP_REQUEST":
                self.outgoing.write(_NOT_TLS)
            raise ssl.SSLWantReadError from error


class _ServerContext(ssl.SSLContext):
    """Makes objects that know where their bytes go."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        wrapped = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(wrapped, _OutspokenObject)
        wrapped.outgoing = outgoing
        return wrapped
