"""TLS contexts: who we are and whom we trust, from PEM files."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

_NOT_TLS = (
    b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 48\r\n\r\n"
    b"Client sent an HTTP request to an HTTPS server.\n"
)


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """For a listener. With `client_ca`, clients may show a certificate of it; one of another CA ends the handshake."""
    context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _OutspokenObject
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.num_tickets = 0  # nobody resumes; a handshake costs a third less
    context.options &= (
        ~ssl.OP_CIPHER_SERVER_PREFERENCE
    )  # clients know best: Go's take AES-128, a fifth cheaper than 256
    context.set_alpn_protocols(["http/1.1"])
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(
    ca: Path | str | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    verify: bool = True,
    protocols: Sequence[str] = ("http/1.1",),
) -> ssl.SSLContext:
    """For dialling. `ca`: a file's path, or PEM text; None: what the machine trusts. `verify` False trusts anybody."""
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
        context.load_cert_chain(certificate, key)
    return context


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
