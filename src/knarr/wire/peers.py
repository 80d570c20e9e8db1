"""What a server's connection tells of its client."""

from __future__ import annotations

import asyncio
import socket

from knarr.wire.messages import Peer


def peer_of(transport: asyncio.Transport) -> Peer:
    """Who is there; also lets the kernel find out when nobody is any more."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls else None
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple):
        return Peer(certificate=certificate)
    return Peer(address[0], address[1], certificate)
