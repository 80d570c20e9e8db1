"""The subresource serviceaccounts/token: a signed token for the account, bound to what the request names.

https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver import media
from knarr.apiserver.authn.tokens import Bound, Lookup, TokenIssuer
from knarr.apiserver.request import APIRequest
from knarr.machinery.clock import Clock
from knarr.machinery.errors import BadRequest, Conflict, Invalid, MethodNotAllowed, NotFound
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.times import format_time
from knarr.wire.messages import Answer, Response

_DEFINITION = "io.k8s.api.authentication.v1.TokenRequest"
_LEAST, _MOST, _DEFAULT = 600, 1 << 32, 3600  # seconds that a token may be asked to last
_BINDABLE = {"Pod": "pods", "Node": "nodes", "Secret": "secrets"}


class TokenRequests:
    """Answers creates of TokenRequest; `audiences` are the server's own, for requests that name none."""

    def __init__(self, issuer: TokenIssuer, audiences: Sequence[str], clock: Clock, lookup: Lookup) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._clock = clock
        self._lookup = lookup

    async def handle(self, request: APIRequest) -> Answer:
        if request.info.verb != "create":
            raise MethodNotAllowed
        headers = request.http.headers
        chosen = media.negotiate(headers.get("accept", "")).media
        content_type = headers.get("content-type", "")
        spec = _decode(media.to_json(content_type, request.http.body, _DEFINITION))
        namespace, name = request.info.namespace, request.info.name
        account = self._find("serviceaccounts", namespace, name)
        seconds = spec.expiration_seconds or _DEFAULT
        if errors := _validate(seconds):
            raise Invalid.of("authentication.k8s.io", "TokenRequest", name, errors)
        audiences = spec.audiences or list(self._audiences)
        bound = self._bound(namespace, name, spec.bound_object_ref)
        uid = account["metadata"]["uid"]
        token, expires = self._issuer.issue(namespace, Bound(name, uid), audiences, seconds, bound)
        answer = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": name, "namespace": namespace, "creationTimestamp": format_time(self._clock.now())},
            "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": spec.bound_object_ref},
            "status": {"token": token, "expirationTimestamp": format_time(expires)},
        }
        return Response(201, {"content-type": chosen.name}, chosen.encode(msgspec.to_builtins(answer)))

    def _bound(self, namespace: str, account: str, reference: _Reference | None) -> dict[str, Bound]:
        """What the token will live and die with, by claim. A Pod's node is named along with it."""
        if not reference:
            return {}
        kind, name = reference.kind, reference.name
        if kind not in _BINDABLE or reference.api_version not in ("", "v1"):
            raise BadRequest(f"cannot bind token to object of type {reference.api_version}, Kind={kind}")
        target = self._find(_BINDABLE[kind], "" if kind == "Node" else namespace, name)
        uid = target["metadata"]["uid"]
        if reference.uid and reference.uid != uid:
            raise _replaced(kind, name, reference.uid, uid)
        bound = {kind.lower(): Bound(name, uid)}
        if kind == "Pod":
            bound |= self._node_of(target, account)
        return bound

    def _node_of(self, pod: JSON, account: str) -> dict[str, Bound]:
        if pod["spec"].get("serviceAccountName") != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        node = self._lookup("nodes", "", pod["spec"].get("nodeName") or "")
        return {"node": Bound(node["metadata"]["name"], node["metadata"]["uid"])} if node else {}

    def _find(self, plural: str, namespace: str, name: str) -> JSON:
        found = self._lookup(plural, namespace, name)
        if found is None:
            raise NotFound(f'{plural} "{name}" not found', kind=plural, name=name)
        return found


class _Reference(msgspec.Struct, rename={"api_version": "apiVersion"}, omit_defaults=True):
    kind: str = ""
    api_version: str = ""
    name: str = ""
    uid: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    audiences: list[str] | None = None
    expiration_seconds: int | None = None
    bound_object_ref: _Reference | None = None


class _Request(msgspec.Struct):
    """A TokenRequest, as far as it is asked."""

    spec: _Spec = msgspec.field(default_factory=_Spec)


def _decode(body: bytes) -> _Spec:
    try:
        return msgspec.json.decode(body, type=_Request).spec
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise BadRequest(f"TokenRequest in version v1 cannot be handled as a TokenRequest: {error}") from None


def _validate(seconds: int) -> list[FieldError]:
    if seconds < _LEAST:
        return [invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")]
    if seconds > _MOST:
        return [invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _replaced(kind: str, name: str, asked: str, actual: str) -> Conflict:
    plural = _BINDABLE[kind]
    why = f"the UID in the bound object reference ({asked}) does not match the UID in record ({actual})."
    text = f"{why} The object might have been deleted and then recreated"
    return Conflict(f'Operation cannot be fulfilled on {plural} "{name}": {text}', kind=plural, name=name)
