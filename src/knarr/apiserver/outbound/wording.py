"""What went wrong with a call, in the words of upstream's client (Go's net, crypto/tls and client-go)."""

from __future__ import annotations

import socket
import ssl

import orjson

from knarr.machinery.errors import from_status

_EXPIRED, _UNKNOWN_AUTHORITY, _OTHER_NAME = (9, 10), (2, 18, 19, 20, 21), (62, 64)  # X509_V_ERR_*
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
_ANSWERS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    413: "Request entity too large",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def failure(error: Exception, host: str) -> str:
    """Why there was no answer from the server that is to have this name."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            return f"tls: failed to verify certificate: x509: {_certificate(cause, host)}"
        case ssl.SSLError():
            plain = cause.reason in _PLAIN_HTTP
            return "http: server gave HTTP response to HTTPS client" if plain else f"tls: {cause.reason or cause}"
        case socket.gaierror():
            return f"dial tcp: lookup {host}: no such host"
        case ConnectionRefusedError():
            return f"dial tcp{_address(cause)}: connect: connection refused"
        case ConnectionResetError() | BrokenPipeError():
            return "EOF"
    return str(cause)


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> str:
    if error.verify_code in _EXPIRED:
        return "certificate has expired or is not yet valid"
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return "certificate signed by unknown authority"
    return f"certificate is not valid for {host}" if error.verify_code in _OTHER_NAME else error.verify_message


def _address(error: OSError) -> str:
    """The address that a transport's error names."""
    return f" {error.filename}" if error.filename else ""


def refusal(status: int, body: bytes) -> str:
    """What an answer other than a success means: its own Status' message, or what its code says."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        tree = None
    if isinstance(tree, dict) and tree.get("kind") == "Status" and tree.get("message"):
        return from_status(tree).message
    text = body[:2048].decode(errors="replace").strip()
    if status == 403:
        return text or "forbidden"
    if status in _ANSWERS:
        return _ANSWERS[status]
    if status >= 500:
        return f'an error on the server ("{text or "unknown"}") has prevented the request from succeeding'
    return "the server rejected our request for an unknown reason"
