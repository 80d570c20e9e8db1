"""gRPC as a client: unary calls and streams of bytes, over HTTP/2 of its own (docs/decisions/etcd-client.md).

grpc/grpc's doc/PROTOCOL-HTTP2.md, and as much of RFC 9113 as a client needs; HPACK is hpack's. Messages are bytes:
what is in them is for others to know.
"""

from knarr.wire.grpc.call import Call
from knarr.wire.grpc.channel import Channel
from knarr.wire.grpc.errors import CallError

__all__ = ["Call", "CallError", "Channel"]
