"""One vocabulary of API errors, for the server that raises them and the client that meets them again.

    APIError
    ├── BadRequest 400            ├── RequestEntityTooLarge 413
    ├── Unauthorized 401          ├── UnsupportedMediaType 415
    ├── Forbidden 403             ├── Invalid 422
    ├── NotFound 404              ├── TooManyRequests 429
    ├── MethodNotAllowed 405      ├── InternalError 500
    ├── NotAcceptable 406         ├── ServiceUnavailable 503
    ├── AlreadyExists 409         └── Timeout 504
    ├── Conflict 409
    ├── Gone 410 (also Expired)

Reasons and messages are upstream's (k8s.io/apimachinery, pkg/api/errors): clients branch on `reason`, users read
`message`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from knarr.machinery.fielderrors import FieldError


def aggregate(messages: Sequence[str]) -> str:
    """Several errors as upstream makes one of them; empty for none."""
    return messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]" if messages else ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`: what is wrong with which field."""

    reason: str
    message: str
    field: str = ""


def _written(cause: Cause) -> dict[str, str]:
    found = {"reason": cause.reason, "message": cause.message, "field": cause.field}
    return {name: text for name, text in found.items() if text}


@dataclass(eq=False)
class APIError(Exception):
    """An answer that is a `Status` of failure; `message`, `code` and `reason` are its class's unless given."""

    message: str = ""
    kind: str = ""  # resource or kind named in details
    name: str = ""
    group: str = ""
    uid: str = ""
    causes: Sequence[Cause] = ()
    retry_after: int = 0  # seconds
    reason: str = ""
    code: int = 0

    default_code: ClassVar[int] = 500
    default_reason: ClassVar[str] = "InternalError"
    default_message: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.message = self.message or self.default_message
        super().__init__(self.message)
        self.code = self.code or self.default_code
        self.reason = self.reason or self.default_reason

    def __str__(self) -> str:
        return self.message

    def to_status(self) -> dict[str, Any]:
        """The `Status` object that goes over the wire."""
        details: dict[str, Any] = {
            key: value
            for key, value in (("name", self.name), ("group", self.group), ("kind", self.kind), ("uid", self.uid))
            if value
        }
        if self.causes:
            details["causes"] = [_written(cause) for cause in self.causes]
        if self.retry_after:
            details["retryAfterSeconds"] = self.retry_after
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": details} if details else {}),
            "code": self.code,
        }


class BadRequest(APIError):
    default_code, default_reason = 400, "BadRequest"


class Unauthorized(APIError):
    default_code, default_reason = 401, "Unauthorized"


class Forbidden(APIError):
    default_code, default_reason = 403, "Forbidden"


class NotFound(APIError):
    default_code, default_reason = 404, "NotFound"


class MethodNotAllowed(APIError):
    default_code, default_reason = 405, "MethodNotAllowed"
    default_message = "the server does not allow this method on the requested resource"


class NotAcceptable(APIError):
    default_code, default_reason = 406, "NotAcceptable"


class AlreadyExists(APIError):
    default_code, default_reason = 409, "AlreadyExists"


class Conflict(APIError):
    default_code, default_reason = 409, "Conflict"


class Gone(APIError):
    """The resource version is too old; `reason` is `Expired` as upstream sends it."""

    default_code, default_reason = 410, "Expired"


class RequestEntityTooLarge(APIError):
    default_code, default_reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(APIError):
    default_code, default_reason = 415, "UnsupportedMediaType"


class Invalid(APIError):
    default_code, default_reason = 422, "Invalid"

    @classmethod
    def of(cls, group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
        """The 422 that lists every field error, worded as upstream words it."""
        text = aggregate([str(e) for e in errors])
        qualified = f"{kind}.{group}" if group else kind
        return cls(
            message=f'{qualified} "{name}" is invalid: {text}',
            group=group,
            kind=kind,
            name=name,
            causes=[Cause(e.reason, e.body, e.path) for e in errors],
        )


class TooManyRequests(APIError):
    default_code, default_reason = 429, "TooManyRequests"


class InternalError(APIError):
    default_code, default_reason = 500, "InternalError"


class ServiceUnavailable(APIError):
    default_code, default_reason = 503, "ServiceUnavailable"


class Timeout(APIError):
    default_code, default_reason = 504, "Timeout"


_BY_REASON: dict[str, type[APIError]] = {c.default_reason: c for c in APIError.__subclasses__()} | {"Gone": Gone}
_BY_CODE: dict[int, type[APIError]] = {c.default_code: c for c in APIError.__subclasses__() if c is not AlreadyExists}


def is_terminating(refusal: APIError) -> bool:
    """Whether something was not created because its namespace is about to go: nothing can be created there."""
    return any(cause.reason == "NamespaceTerminating" for cause in refusal.causes)


def from_status(status: Mapping[str, Any]) -> APIError:
    """The error that a `Status` of failure describes; unknown reasons keep their code."""
    details = status.get("details") or {}
    code = int(status.get("code") or 500)
    reason = str(status.get("reason") or "")
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code, APIError)
    return kind(
        message=str(status.get("message") or ""),
        kind=details.get("kind", ""),
        name=details.get("name", ""),
        group=details.get("group", ""),
        uid=details.get("uid", ""),
        causes=[
            Cause(c.get("reason", ""), c.get("message", ""), c.get("field", "")) for c in details.get("causes") or ()
        ],
        retry_after=int(details.get("retryAfterSeconds") or 0),
        reason=reason,
        code=code,
    )
