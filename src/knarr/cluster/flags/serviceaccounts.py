"""Flags about the tokens of service accounts."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from knarr.cluster.flags.notation import File, Flags, Text

_HOUR, _MOST = 3600, 1 << 32  # seconds


class ServiceAccounts(Flags, frozen=True, kw_only=True):
    """Who issues such tokens, by which keys they are signed and known, and how long they last. What is empty is the
    cluster's own.
    """

    service_account_issuer: Annotated[
        tuple[str, ...],
        Text(description="names of the issuer: the first is that of new tokens, all are believed"),
    ] = ()
    service_account_signing_key_file: Annotated[File, Text(description="the private key that signs tokens")] = File("")
    service_account_key_file: Annotated[
        tuple[File, ...],
        Text(description="keys that verify tokens, public or private, several in a file if need be"),
    ] = ()
    api_audiences: Annotated[
        tuple[str, ...],
        Text(description="whom tokens must be meant for that are shown to the API server; the issuers by default"),
    ] = ()
    service_account_jwks_uri: Annotated[
        str, Text(description="where the issuer's keys are, if others than this server publish them")
    ] = ""
    service_account_max_token_expiration: Annotated[
        float, Text(description="the longest that a token lasts; one that is asked to last longer is shortened")
    ] = 0.0
    service_account_extend_token_expiration: Annotated[
        bool,
        Text(description="let the tokens that Pods get unasked last a year, and tell when they are used too long"),
    ] = True
    service_account_lookup: Annotated[
        bool, Text(description="believe the token of a Secret only while its Secret and account are there")
    ] = True

    def problems(self) -> list[str]:
        return [*self._issuers(), *self._keys(), *self._bounds()]

    def _issuers(self) -> list[str]:
        issuers, uri = self.service_account_issuer, self.service_account_jwks_uri
        said = [f'service-account-issuer "{name}" is already specified' for name in issuers if issuers.count(name) > 1]
        said += [
            f"service-account-issuer \"{name}\" contained a ':' but was not a valid URL"
            for name in issuers
            if ":" in name and not _is_address(name)
        ]
        if uri and urlsplit(uri).scheme != "https":
            said.append(f"service-account-jwks-uri requires https scheme, parsed as: {uri}")
        return [*dict.fromkeys(said)]

    def _keys(self) -> list[str]:
        if self.service_account_signing_key_file and not self.service_account_key_file:
            return ["--service-account-key-file must be specified when --service-account-signing-key-file is provided"]
        return []

    def _bounds(self) -> list[str]:
        longest = self.service_account_max_token_expiration
        if longest and not _HOUR <= longest <= _MOST:
            return ["the service-account-max-token-expiration must be between 1 hour and 2^32 seconds"]
        return []


def _is_address(name: str) -> bool:
    try:
        return bool(urlsplit(name).scheme)
    except ValueError:
        return False
