"""What a server's connection tells of its client."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from knarr.machinery.latest import Latest
from knarr.wire.messages import Peer

_DER = 2  # as the module ssl numbers encodings
_chains: Latest[bytes, tuple[bytes, ...]] = Latest(4096)  # by the client's own


def peer_of(transport: asyncio.Transport) -> Peer:
    """Who is there; also lets the kernel find out when nobody is any more."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    tls = transport.get_extra_info("ssl_object")
    chain = _chain(tls) if tls else ()
    certificate = chain[0] if chain else None
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple):
        return Peer(certificate=certificate, chain=chain)
    return Peer(address[0], address[1], certificate, chain)


def _chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The verified certificates (DER), the client's own first.

    A session that is resumed, as clients of TLS 1.2 may, has the client's own certificate alone, and is one of a
    handshake here: how it was verified then is remembered.
    """
    own = tls.getpeercert(binary_form=True)
    if own is None:
        return ()
    if chain := tuple(map(_shared, _verified(tls))):
        return _chains.put(own, chain)
    return _chains.get(own) or (own,)


def _verified(tls: ssl.SSLObject) -> Iterable[bytes]:
    """Public from Python 3.13 on."""
    if hasattr(tls, "get_verified_chain"):
        return cast(Iterable[bytes], tls.get_verified_chain())
    found = tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]
    return (certificate.public_bytes(_DER) for certificate in found or ())


@lru_cache(maxsize=1024)
def _shared(certificate: bytes) -> bytes:
    """The same certificates come with each connection: they are held once."""
    return certificate
