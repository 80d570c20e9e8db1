"""Where an issuer publishes its keys, by which tokens are verified.

OpenID Connect Discovery 1.0 for the document, RFC 7517 for the keys.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.oidc.configurations import Issuer
from knarr.apiserver.outbound.calls import CallError
from knarr.apiserver.outbound.documents import fetch
from knarr.machinery.clock import Clock
from knarr.wire.tls import client_context

JWK = dict[str, Any]  # a public key, RFC 7517

_WELL_KNOWN = "/.well-known/openid-configuration"
_PATIENCE = 10.0  # real seconds for a document
_PAUSE = 10.0  # seconds between looks for keys: whoever sends nonsense does not make us a nuisance to the issuer


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _Keys(msgspec.Struct):
    keys: list[JWK]


class Provider:
    """The keys of one issuer: found when its first token comes, and again when a token is signed by none of them."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        self._issuer, self._clock = issuer, clock
        self._tls = client_context(issuer.certificate_authority or None)
        self._keys: list[JWK] = []
        self._looked = -_PAUSE
        self._looking = asyncio.Lock()
        self._fault = ""

    async def keys(self, name: str) -> list[JWK]:
        """The keys of that name, or those without; all, where a token names none. Raises InvalidTokenError."""
        if not (found := self._named(name)):
            await self.look()
            found = self._named(name)
        if not self._keys and self._fault:
            raise InvalidTokenError(f"oidc: authenticator not initialized: {self._fault}")
        return found

    async def look(self) -> bool:
        """Fetch the keys anew, unless that was a moment ago; whether they are others now."""
        before = self._keys
        async with self._looking:
            if self._keys is before and self._clock.monotonic() - self._looked >= _PAUSE:
                self._looked = self._clock.monotonic()
                await self._fetch()
                self._looked = self._clock.monotonic()  # whoever has waited meanwhile does not wait for another look
        return self._keys is not before

    def _named(self, name: str) -> list[JWK]:
        return [key for key in self._keys if not name or key.get("kid") in (name, None)]

    async def _fetch(self) -> None:
        """What cannot be fetched leaves the keys as they were."""
        try:
            self._keys, self._fault = _usable(await self._published()), ""
        except (CallError, InvalidTokenError) as error:
            self._fault = str(error)
        except msgspec.MsgspecError as error:
            self._fault = f"oidc: failed to decode a document of the provider: {error}"

    async def _published(self) -> _Keys:
        url, place = self._issuer.url, self._issuer.discovery_url
        text = await fetch(place or url.rstrip("/") + _WELL_KNOWN, self._tls, _PATIENCE)
        about = msgspec.json.decode(text, type=_Discovery)
        if about.issuer != url:
            expected = f'expected "{url}" got "{about.issuer}"'
            raise InvalidTokenError(f"oidc: issuer did not match the issuer returned by provider, {expected}")
        return msgspec.json.decode(await fetch(about.jwks_uri, self._tls, _PATIENCE), type=_Keys)


def _usable(published: _Keys) -> list[JWK]:
    """Those for signatures, of two parts: a key that both sides know would let everybody sign who may verify."""
    return [key for key in published.keys if key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC")]
