"""The messages of etcd's API that are spoken here, made from a table of their fields.

The numbers are those of etcd's rpc.proto, kv.proto and auth's; fields that nobody here sets or reads are left out.
"""

from __future__ import annotations

from knarr.wire.grpc.tables import messages

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

_made = messages("knarr.etcd", _TABLE)
RangeRequest, RangeResponse = _made["RangeRequest"], _made["RangeResponse"]
PutRequest, DeleteRangeRequest = _made["PutRequest"], _made["DeleteRangeRequest"]
RequestOp, TxnRequest, TxnResponse = _made["RequestOp"], _made["TxnRequest"], _made["TxnResponse"]
CompactionRequest, CompactionResponse = _made["CompactionRequest"], _made["CompactionResponse"]
WatchRequest, WatchResponse = _made["WatchRequest"], _made["WatchResponse"]
LeaseGrantRequest, LeaseGrantResponse = _made["LeaseGrantRequest"], _made["LeaseGrantResponse"]
AuthenticateRequest, AuthenticateResponse = _made["AuthenticateRequest"], _made["AuthenticateResponse"]
