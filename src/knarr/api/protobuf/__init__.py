"""Kubernetes' protobuf form of objects: between its messages and the trees that the server keeps.

The numbers of fields are in schema/fields.txt; all else about a field (its type, what is required) is in the published
schema, the same that JSON is decoded by.
"""

from knarr.api.protobuf.envelopes import decode, encode, encode_raw, event, listed, wrap
from knarr.api.protobuf.wire import ProtobufError

__all__ = ["ProtobufError", "decode", "encode", "encode_raw", "event", "listed", "wrap"]
