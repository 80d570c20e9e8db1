"""Who issues the tokens of service accounts, for whoever verifies them without asking: OpenID discovery, and the keys.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.wire.messages import Request, Response

log = logging.getLogger(__name__)

CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/openid/v1/jwks"
_CACHED = {"cache-control": "public, max-age=3600"}


def issuer_documents(rules: AccountTokenRules, address: str) -> Mapping[str, Callable[[Request], Response]]:
    """The two documents by path; `address` is this server's own, as host and port. None where the issuer's name is no
    address: nobody could look for them there.
    """
    issuer, keys = rules.issuers[0], rules.keys
    if why := _unfit(issuer):
        log.warning("the issuer of service account tokens cannot be discovered: %s", why)
        return {}

    def configuration(_: Request) -> Response:
        tree = {
            "issuer": issuer,
            "jwks_uri": rules.jwks_uri or f"https://{address}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in keys.verifying.values()}),
        }
        return Response(200, {"content-type": "application/json", **_CACHED}, msgspec.json.encode(tree))

    def key_set(_: Request) -> Response:
        tree = {"keys": [key.published() for key in keys.verifying.values()]}
        return Response(200, {"content-type": "application/jwk-set+json", **_CACHED}, msgspec.json.encode(tree))

    return {CONFIGURATION: configuration, KEYS: key_set}


def _unfit(issuer: str) -> str:
    """Why OpenID discovery cannot begin at this name, empty if it can."""
    parts = urlsplit(issuer)
    if parts.scheme != "https":
        return f"issuer URL must use https scheme, got: {issuer}"
    return f"issuer URL may not include a query, got: {issuer}" if parts.query or parts.fragment else ""
