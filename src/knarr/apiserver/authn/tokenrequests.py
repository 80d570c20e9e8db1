"""The subresource serviceaccounts/token: a signed token for the account, bound to what the request names.

https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver import media
from knarr.apiserver.audit.trails import annotate
from knarr.apiserver.authn.claims import Bound, Private, credential
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.tokens import TokenIssuer
from knarr.apiserver.registry import Registry
from knarr.apiserver.request import APIRequest
from knarr.apiserver.verbs.answers import warning_header
from knarr.machinery.errors import BadRequest, Conflict, Invalid, MethodNotAllowed, NotFound
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.times import format_time
from knarr.wire.messages import Answer, Response

_GROUP, _KIND = "authentication.k8s.io", "TokenRequest"
_DEFINITION = f"io.k8s.api.authentication.v1.{_KIND}"
_LEAST, _MOST, _DEFAULT = 600, 1 << 32, 3600  # seconds that a token may be asked to last
_BINDABLE = {"Pod": "pods", "Node": "nodes", "Secret": "secrets"}
# What admission asks for Pods that did not: such a token lasts a year, as clients that do not read it anew would fail
# otherwise, and is told of when it is used for longer than it was asked for.
_EXTENDED, _EXTENSION = 3607, 365 * 86400


class TokenRequests:
    """Answers creates of TokenRequest."""

    def __init__(self, registry: Registry, rules: AccountTokenRules) -> None:
        self._registry, self._rules = registry, rules
        self._issuer = TokenIssuer(rules.keys, rules.issuers[0], registry.clock)

    async def handle(self, request: APIRequest) -> Answer:
        if request.info.verb != "create":
            raise MethodNotAllowed
        headers = request.http.headers
        chosen = media.negotiate(headers.get("accept", "")).media
        asked = _decode(media.to_json(headers.get("content-type", ""), request.http.body, _DEFINITION))
        namespace, name = request.info.namespace, request.info.name
        if asked.metadata.name not in ("", name):
            why = "must match the service account name if specified"
            raise Invalid.of(_GROUP, _KIND, name, [invalid("metadata.name", asked.metadata.name, why)])
        await self._registry.synced()  # another server may just have made what is named
        uid = self._find("serviceaccounts", namespace, name)["metadata"]["uid"]
        if asked.metadata.uid not in ("", uid):
            raise _another(name, asked.metadata.uid, uid)
        if wrong := _unfit(asked.spec.expiration_seconds):
            raise Invalid.of(_GROUP, _KIND, "", [wrong])
        private = self._bound(namespace, Bound(name, uid), asked.spec.bound_object_ref)
        seconds, warnings = self._shortened(asked.spec.expiration_seconds)
        audiences = asked.spec.audiences or self._rules.own_audiences
        spec = msgspec.structs.replace(asked.spec, audiences=audiences, expiration_seconds=seconds)
        answer = self._grant(namespace, name, spec, private)
        return Response(201, {"content-type": chosen.name, **warning_header(warnings)}, chosen.encode(answer))

    def _shortened(self, seconds: int) -> tuple[int, list[str]]:
        longest = self._rules.longest
        if not longest or seconds <= longest:
            return seconds, []
        return longest, [f"requested expiration of {seconds} seconds shortened to {longest} seconds"]

    def _grant(self, namespace: str, name: str, spec: _Spec, private: Private) -> JSON:
        now, seconds = self._registry.clock.now(), spec.expiration_seconds
        lasts = seconds
        if self._is_extended(spec, private):
            lasts = _EXTENSION
            private = msgspec.structs.replace(private, warnafter=int(now.timestamp()) + seconds)
        token, jti = self._issuer.issue(private, spec.audiences, lasts)
        annotate("authentication.kubernetes.io/issued-credential-id", credential(jti))
        expires = format_time(now.fromtimestamp(int(now.timestamp()) + seconds, now.tzinfo))
        return {
            "kind": _KIND,
            "apiVersion": f"{_GROUP}/v1",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": private.account.uid,
                "creationTimestamp": format_time(now),
            },
            "spec": msgspec.to_builtins(spec),
            "status": {"token": token, "expirationTimestamp": expires},
        }

    def _is_extended(self, spec: _Spec, private: Private) -> bool:
        ours = {*spec.audiences} <= {*self._rules.own_audiences}
        return self._rules.extends and private.pod is not None and spec.expiration_seconds == _EXTENDED and ours

    def _bound(self, namespace: str, account: Bound, reference: _Reference | None) -> Private:
        """What the token will live and die with. A Pod's node is named along with it."""
        private = Private(namespace, account)
        if not reference:
            return private
        kind, name = reference.kind, reference.name
        if kind not in _BINDABLE or "/" in reference.api_version:
            group, _, version = reference.api_version.rpartition("/")
            raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
        target = self._find(_BINDABLE[kind], "" if kind == "Node" else namespace, name)
        further = {kind.lower(): Bound(name, target["metadata"]["uid"])}
        if kind == "Pod":
            further |= self._node_of(target, account.name)
        if reference.uid and reference.uid != target["metadata"]["uid"]:
            raise _replaced(kind, name, reference.uid)
        return msgspec.structs.replace(private, **further)

    def _node_of(self, pod: JSON, account: str) -> dict[str, Bound]:
        if pod["spec"].get("serviceAccountName") != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        name = pod["spec"].get("nodeName")
        node = self._registry.get("", "nodes", "", name) if name else None
        return {"node": Bound(name, node["metadata"]["uid"] if node else "")} if name else {}

    def _find(self, plural: str, namespace: str, name: str) -> JSON:
        found = self._registry.get("", plural, namespace, name)
        if found is None:
            raise NotFound(f'{plural} "{name}" not found', kind=plural, name=name)
        return found


class _Reference(msgspec.Struct, rename={"api_version": "apiVersion"}, omit_defaults=True):
    kind: str = ""
    api_version: str = ""
    name: str = ""
    uid: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    audiences: list[str] = []
    expiration_seconds: int = _DEFAULT
    bound_object_ref: _Reference | None = None


class _Metadata(msgspec.Struct):
    name: str = ""
    uid: str = ""


class _Request(msgspec.Struct):
    """A TokenRequest, as far as it is asked."""

    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


def _decode(body: bytes) -> _Request:
    try:
        tree = msgspec.json.decode(body, type=dict[str, Any])
        given = {part: _without_nulls(tree.get(part) or {}) for part in ("metadata", "spec")}
        return msgspec.convert(given, _Request)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"TokenRequest in version v1 cannot be handled as a TokenRequest: {error}") from None


def _without_nulls(tree: Any) -> Any:
    """Go's clients write what they do not ask for as null."""
    return {key: value for key, value in tree.items() if value is not None} if isinstance(tree, dict) else tree


def _unfit(seconds: int) -> FieldError | None:
    if seconds < _LEAST:
        return invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MOST:
        return invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    return None


def _another(name: str, asked: str, actual: str) -> Conflict:
    """The account is not the one that is meant, but one that was made later by its name (1.34)."""
    kind = f"{_KIND}.{_GROUP}"
    text = f"the UID in the token request ({asked}) does not match the UID of the service account ({actual})"
    return Conflict(f'Operation cannot be fulfilled on {kind} "{name}": {text}', kind=_KIND, group=_GROUP, name=name)


def _replaced(kind: str, name: str, asked: str) -> Conflict:
    why = f"the UID in the bound object reference ({asked}) does not match the UID in record."
    text = f"{why} The object might have been deleted and then recreated"
    return Conflict(f'Operation cannot be fulfilled on {kind} "{name}": {text}', kind=kind, name=name)
