"""The messages of etcd's API that are spoken here, made from a table of their fields.

The numbers are those of etcd's rpc.proto, kv.proto and auth's; fields that nobody here sets or reads are left out.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PUT, DELETE = 0, 1  # Event.type
VERSION, MOD = 0, 2  # Compare.target; its result EQUAL is 0

_TABLE = """
KeyValue: key=1 bytes, create_revision=2 int64, mod_revision=3 int64, version=4 int64, value=5 bytes, lease=6 int64
Event: type=1 int32, kv=2 KeyValue, prev_kv=3 KeyValue
ResponseHeader: revision=3 int64
RangeRequest: key=1 bytes, range_end=2 bytes, limit=3 int64, revision=4 int64, keys_only=8 bool, count_only=9 bool
RangeResponse: header=1 ResponseHeader, kvs=2 *KeyValue, more=3 bool, count=4 int64
PutRequest: key=1 bytes, value=2 bytes, lease=3 int64
DeleteRangeRequest: key=1 bytes, range_end=2 bytes
RequestOp: request_range=1 RangeRequest, request_put=2 PutRequest, request_delete_range=3 DeleteRangeRequest
ResponseOp: response_range=1 RangeResponse
Compare: result=1 int32, target=2 int32, key=3 bytes, version=4 int64, mod_revision=6 int64
TxnRequest: compare=1 *Compare, success=2 *RequestOp, failure=3 *RequestOp
TxnResponse: header=1 ResponseHeader, succeeded=2 bool, responses=3 *ResponseOp
CompactionRequest: revision=1 int64
CompactionResponse: header=1 ResponseHeader
WatchCreateRequest: key=1 bytes, range_end=2 bytes, start_revision=3 int64, progress_notify=4 bool, prev_kv=6 bool, fragment=8 bool
WatchRequest: create_request=1 WatchCreateRequest
WatchResponse: header=1 ResponseHeader, created=3 bool, canceled=4 bool, compact_revision=5 int64, cancel_reason=6 string, fragment=7 bool, events=11 *Event
LeaseGrantRequest: TTL=1 int64
LeaseGrantResponse: ID=2 int64
AuthenticateRequest: name=1 string, password=2 string
AuthenticateResponse: token=2 string
"""  # noqa: E501

_PACKAGE = "knarr.etcd"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}


def _add_field(message: descriptor_pb2.DescriptorProto, text: str) -> None:
    """`name=number type`, where a star marks a repeated one."""
    name, _, rest = text.strip().partition("=")
    number, kind = rest.split()
    label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="knarr/etcd.proto", package=_PACKAGE, syntax="proto3")
    for line in _TABLE.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for text in fields.split(","):
            _add_field(message, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{message.name}"))
        for message in file.message_type
    }


_made = _classes()
RangeRequest, RangeResponse = _made["RangeRequest"], _made["RangeResponse"]
PutRequest, DeleteRangeRequest = _made["PutRequest"], _made["DeleteRangeRequest"]
RequestOp, TxnRequest, TxnResponse = _made["RequestOp"], _made["TxnRequest"], _made["TxnResponse"]
CompactionRequest, CompactionResponse = _made["CompactionRequest"], _made["CompactionResponse"]
WatchRequest, WatchResponse = _made["WatchRequest"], _made["WatchResponse"]
LeaseGrantRequest, LeaseGrantResponse = _made["LeaseGrantRequest"], _made["LeaseGrantResponse"]
AuthenticateRequest, AuthenticateResponse = _made["AuthenticateRequest"], _made["AuthenticateResponse"]
