"""An OpenID Connect issuer of a test: its own server, keys and tokens."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import server_context
from tests.api.certificates import Authority

JSON = dict[str, Any]
AUDIENCE = "knarr"


@dataclass
class Issuer:
    """Publishes the keys that it has now."""

    url: str = ""
    authority: str = ""  # PEM
    keys: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False

    def new_key(self, name: str, *, curve: bool = False) -> None:
        self.keys[name] = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)

    def token(self, name: str = "first", **claims: Any) -> str:
        """Signed with the key of this name; claims that are None are left out."""
        now, key = int(time.time()), self.keys[name]
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "jane", "iat": now, "exp": now + 600, **claims}
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        kept = {claim: value for claim, value in said.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": name})

    @property
    def published(self) -> JSON:
        return {"keys": [self._shown(name, key) for name, key in self.keys.items()]}

    def _shown(self, name: str, key: Any) -> JSON:
        curved = isinstance(key, ec.EllipticCurvePrivateKey)
        tree = (ECAlgorithm if curved else RSAAlgorithm).to_jwk(key.public_key(), as_dict=True)
        return {**tree, "kid": name, "use": "sig"}

    async def __call__(self, request: Request, _: Peer) -> Answer:
        self.asked.append(request.path)
        documents = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": self.published,
        }
        if self.broken or request.path not in documents:
            return Response(503)
        return Response(200, {"content-type": "application/json"}, json.dumps(documents[request.path]).encode())


@asynccontextmanager
async def issuing(authority: Authority) -> AsyncIterator[Issuer]:
    """An issuer on loopback with one key, `first`."""
    issuer, pair = Issuer(authority=authority.file.read_text()), authority.issue("issuer")
    issuer.new_key("first")
    server = Server(issuer, tls=server_context(pair.certificate, pair.key))
    issuer.url = f"https://127.0.0.1:{await server.listen()}"
    try:
        yield issuer
    finally:
        await server.close(0)
