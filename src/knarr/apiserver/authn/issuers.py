"""Who issues the tokens of service accounts, for whoever verifies them without asking: OpenID discovery, and the keys.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.tokens import TokenVerifier
from knarr.wire.messages import Request, Response

CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/openid/v1/jwks"
_CACHED = {"cache-control": "public, max-age=3600"}


def issuer_documents(tokens: TokenVerifier, issuer: str, address: str) -> Mapping[str, Callable[[Request], Response]]:
    """The two documents by path; `address` is this server's own, as host and port."""

    def configuration(_: Request) -> Response:
        tree = {
            "issuer": issuer,
            "jwks_uri": f"https://{address}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return Response(200, {"content-type": "application/json", **_CACHED}, msgspec.json.encode(tree))

    def keys(_: Request) -> Response:
        tree = {"keys": _keys(tokens)}
        return Response(200, {"content-type": "application/jwk-set+json", **_CACHED}, msgspec.json.encode(tree))

    return {CONFIGURATION: configuration, KEYS: keys}


def _keys(tokens: TokenVerifier) -> list[JSON]:
    """The public keys as RFC 7517 writes them."""
    found = []
    for name, key in tokens.public_keys().items():
        numbers = key.public_numbers()
        shown = {"n": _base64(numbers.n), "e": _base64(numbers.e)}
        found.append({"use": "sig", "kty": "RSA", "kid": name, "alg": "RS256", **shown})
    return found


def _base64(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
