"""Events, audit.k8s.io/v1, and how they are written.

An event is written without its kind and apiVersion, as it stands in a list; a line of a log has them in front.
https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import msgspec

from knarr.apiserver.authn.users import User

VERSION = "audit.k8s.io/v1"
_HEAD = f'{{"kind":"Event","apiVersion":"{VERSION}",'.encode()
NOTHING = msgspec.Raw()  # in place of JSON
_TRUNCATED = "audit.k8s.io/truncated"


class UserInfo(msgspec.Struct, omit_defaults=True):
    """authentication.k8s.io/v1 UserInfo."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, user: User) -> UserInfo:
        return cls(user.name, user.uid, user.groups, user.extra)


class ObjectReference(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What a request is about."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    group: str = msgspec.field(default="", name="apiGroup")
    version: str = msgspec.field(default="", name="apiVersion")
    resource_version: str = ""
    subresource: str = ""


class Event(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One stage of a request; the next one says more of it. Objects and the status are JSON already."""

    level: str
    audit_id: str = msgspec.field(name="auditID")
    stage: str
    request_uri: str = msgspec.field(name="requestURI")
    verb: str
    user: UserInfo
    impersonated_user: UserInfo | None = None
    authentication_metadata: Mapping[str, str] | None = None
    source_ips: tuple[str, ...] = msgspec.field(default=(), name="sourceIPs")
    user_agent: str = ""
    object_ref: ObjectReference | None = None
    response_status: msgspec.Raw = NOTHING
    request_object: msgspec.Raw = NOTHING
    response_object: msgspec.Raw = NOTHING
    request_received_timestamp: str | None = None
    stage_timestamp: str | None = None
    annotations: dict[str, str] = {}


_encoder = msgspec.json.Encoder()
encode = _encoder.encode
decode = msgspec.json.Decoder(Event).decode


class _Coded(msgspec.Struct):
    code: int = 0


_code = msgspec.json.Decoder(_Coded).decode


def json_line(event: bytes) -> bytes:
    """An event as a line of a log."""
    return b"%b%b\n" % (_HEAD, event[1:])


def legacy_line(event: bytes) -> bytes:
    """The same in the form that logs had before there were events."""
    told = decode(event)
    as_user = told.impersonated_user
    fields = {
        "id": told.audit_id,
        "stage": told.stage,
        "ip": told.source_ips[0] if told.source_ips else "<unknown>",
        "method": told.verb,
        "user": told.user.username or "<none>",
        "groups": _quoted(told.user.groups) or "<none>",
        "as": as_user.username if as_user else "<self>",
        "asgroups": _quoted(as_user.groups) if as_user and as_user.groups else "<lookup>",
        "user-agent": told.user_agent,
        "namespace": (told.object_ref.namespace if told.object_ref else "") or "<none>",
        "uri": told.request_uri,
        "response": str(_code(told.response_status).code) if told.response_status else "<deferred>",
    }
    listed = " ".join(f"{name}={_quote(text)}" for name, text in fields.items())
    return f"{_shortest(told.request_received_timestamp or '')} AUDIT: {listed}\n".encode()


def listed(events: Iterable[bytes]) -> bytes:
    """Many as an EventList."""
    head = f'{{"kind":"EventList","apiVersion":"{VERSION}","metadata":{{}},"items":['.encode()
    return b"%b%b]}" % (head, b",".join(events))


def shortened(event: bytes) -> bytes:
    """An event without what makes it large."""
    told = decode(event)
    told.request_object = told.response_object = NOTHING
    told.annotations = {**told.annotations, _TRUNCATED: "true"}
    return encode(told)


def has_objects(event: bytes) -> bool:
    """Whether there is something to leave out."""
    return decode(event).level in ("Request", "RequestResponse")


def _shortest(timestamp: str) -> str:
    """Without zeros at the end of the second's fraction."""
    return f"{timestamp[:-1].rstrip('0').rstrip('.')}Z"


def _quoted(texts: Iterable[str]) -> str:
    return ",".join(map(_quote, texts))


def _quote(text: str) -> str:
    """Between quotes, what would end them or the line escaped."""
    return json.dumps(text, ensure_ascii=False)
