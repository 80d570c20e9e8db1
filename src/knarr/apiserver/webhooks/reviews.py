"""The AdmissionReview: the request that a webhook is sent, and what its response means. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.showing import described
from knarr.machinery.errors import APIError, Cause

GROUP = "admission.k8s.io"
_JSON_PATCH = "JSONPatch"


class ReviewError(Exception):
    """A response that is none; the message says why, as upstream does."""


class Denied(APIError):
    """A webhook's refusal, with the code and reason that it gives."""

    default_code, default_reason = 400, ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook answered; `patch` is JSON text, empty for none."""

    allowed: bool
    status: JSON = field(default_factory=dict)
    patch: bytes = b""
    warnings: Sequence[str] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    def refusal(self, webhook: str) -> Denied:
        """The answer to the client, never a success."""
        status, denied = self.status, f'admission webhook "{webhook}" denied the request'
        why = status.get("message") or status.get("reason")
        code, details = status.get("code") or 0, status.get("details") or {}
        return Denied(
            message=f"{denied}: {why}" if why else f"{denied} without explanation",
            kind=details.get("kind", ""),
            name=details.get("name", ""),
            group=details.get("group", ""),
            uid=details.get("uid", ""),
            causes=[Cause(c.get("reason", ""), c.get("message", ""), c.get("field", "")) for c in _causes(details)],
            retry_after=details.get("retryAfterSeconds") or 0,
            reason=status.get("reason", ""),
            code=code if code >= 400 else 0,
        )


def _causes(details: JSON) -> Sequence[JSON]:
    return details.get("causes") or ()


def review(version: str, uid: str, attributes: Attributes, match: Match, trees: tuple[Any, Any]) -> bytes:
    """The body to be sent; `trees` are the object and the old one, in the form of the match."""
    request: JSON = {"uid": uid, **described(attributes, match), "object": trees[0], "oldObject": trees[1]}
    return msgspec.json.encode({"kind": "AdmissionReview", "apiVersion": f"{GROUP}/{version}", "request": request})


class _Response(msgspec.Struct, rename="camel"):
    uid: str = ""
    allowed: bool = False
    status: dict[str, Any] | None = None
    patch: bytes | None = None
    patch_type: str | None = None
    audit_annotations: dict[str, str] | None = None
    warnings: list[str] | None = None


class _Review(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    response: _Response | None = None


_decode = msgspec.json.Decoder(_Review).decode


def verdict(answer: bytes, version: str, uid: str, *, mutating: bool) -> Verdict:
    """What a webhook's answer says. Raises ReviewError."""
    try:
        found = _decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReviewError(f"the answer is no AdmissionReview: {error}") from None
    response = found.response
    if response is None:
        raise ReviewError("webhook response was absent")
    if version == "v1":
        _check_envelope(found, response, uid)
    if mutating:
        _check_patch(response, version)
    elif response.patch or response.patch_type is not None:
        raise ReviewError(f"validating webhook may not return response.{'patch' if response.patch else 'patchType'}")
    return Verdict(
        response.allowed,
        response.status or {},
        response.patch or b"",
        response.warnings or (),
        response.audit_annotations or {},
    )


def _check_envelope(found: _Review, response: _Response, uid: str) -> None:
    if response.uid != uid:
        raise ReviewError(f'expected response.uid="{uid}", got "{response.uid}"')
    if (found.api_version, found.kind) != (f"{GROUP}/v1", "AdmissionReview"):
        group, _, version = found.api_version.rpartition("/")
        raise ReviewError(
            f"expected webhook response of {GROUP}/v1, Kind=AdmissionReview, got {group}/{version}, Kind={found.kind}"
        )


def _check_patch(response: _Response, version: str) -> None:
    if version != "v1" and response.patch_type is None:  # which v1beta1 may leave out
        return
    if response.patch and response.patch_type is None:
        raise ReviewError("webhook returned response.patch but not response.patchType")
    if not response.patch and response.patch_type is not None:
        raise ReviewError("webhook returned response.patchType but not response.patch")
    if response.patch_type not in (None, _JSON_PATCH):
        raise ReviewError(f'webhook returned invalid response.patchType of "{response.patch_type}"')
