"""How a call fails: gRPC's status codes by name, and what else becomes one of them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

CODES = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)
# doc/http-grpc-status-mapping.md; any other is Unknown
_BY_HTTP_STATUS = {
    b"400": "Internal",
    b"401": "Unauthenticated",
    b"403": "PermissionDenied",
    b"404": "Unimplemented",
    b"429": "Unavailable",
    b"502": "Unavailable",
    b"503": "Unavailable",
    b"504": "Unavailable",
}
# RFC 9113, section 7, as doc/PROTOCOL-HTTP2.md maps it; any other is Internal
_BY_RESET = {7: "Unavailable", 8: "Canceled", 11: "ResourceExhausted", 12: "PermissionDenied"}
_REFUSED_STREAM = 7


class CallError(Exception):
    """A call that failed: `code` is the name of the gRPC status. `unseen`: no server has begun to act on the call."""

    def __init__(self, code: str, message: str, *, unseen: bool = False) -> None:
        super().__init__(f"rpc error: code = {code} desc = {message}")
        self.code = code
        self.message = message
        self.unseen = unseen


def broken(reason: object, *, unseen: bool = False) -> CallError:
    """The connection is gone, or was never made."""
    return CallError("Unavailable", f"connection: {reason}", unseen=unseen)


def ended(headers: Mapping[bytes, bytes]) -> CallError | None:
    """What the headers and trailers of a whole answer say; None is success."""
    if (status := headers.get(b"grpc-status")) is not None:
        number = int(status) if status.isdigit() else 2
        code = CODES[number] if number < len(CODES) else "Unknown"
        message = unquote(headers.get(b"grpc-message", b"").decode("utf-8", "replace"))
        return None if code == "OK" else CallError(code, message)
    http = headers.get(b":status", b"")
    if http == b"200":
        return CallError("Internal", "the stream ended without a status")
    return CallError(_BY_HTTP_STATUS.get(http, "Unknown"), f"unexpected HTTP status {http.decode('latin-1')}")


def reset(error: int) -> CallError:
    """The server has given a stream up."""
    code = _BY_RESET.get(error, "Internal")
    return CallError(code, f"the server reset the stream ({error})", unseen=error == _REFUSED_STREAM)
