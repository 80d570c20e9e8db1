"""Whose tokens the API server believes besides its own, as its flags, or a file that they name, say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from knarr.apiserver.authn.anonymous import Anonymous
from knarr.apiserver.configfiles import ConfigFileError
from knarr.cluster.apiserver.tokens import issuers_of
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.issuers import Issuers

if TYPE_CHECKING:  # what few servers are told of is loaded by those
    from knarr.apiserver.authn.oidc.configurations import AuthenticationConfiguration, Foreign
    from knarr.apiserver.authn.webhooktokens import TokenWebhook


class Believed(msgspec.Struct, frozen=True):
    """Those who know tokens, and whom nobody has to convince."""

    tokens: Foreign | None
    webhook: TokenWebhook | None
    anonymous: Anonymous


def foreign(config: Config) -> Believed:
    """What the flags say. Raises UserError."""
    flags, nobody = config.api.issuers, Anonymous(enabled=config.api.authentication.anonymous_auth)
    webhook = _webhook(flags)
    if not flags.authentication_config:
        return Believed(_by_flags(flags, issuers_of(config)) if flags.oidc_issuer_url else None, webhook, nobody)
    from knarr.apiserver.authn.oidc.configurations import Foreign

    path = Path(flags.authentication_config)
    found = _read(path, issuers_of(config))
    if found.anonymous and not nobody.enabled:
        where = "when anonymous field is configured in authentication configuration file"
        raise UserError(f"--anonymous-auth flag cannot be set {where}")
    return Believed(Foreign(found.jwt, file=path), webhook, found.anonymous or nobody)


def _read(path: Path, ours: tuple[str, ...]) -> AuthenticationConfiguration:
    from knarr.apiserver.authn.oidc.checking import checked

    try:
        return checked(path.read_bytes(), ours)
    except OSError as error:
        raise UserError(f"--authentication-config {path}: {error.strerror}") from None
    except ConfigFileError as error:
        raise UserError(f"--authentication-config {path}: {error}") from None


def _webhook(flags: Issuers) -> TokenWebhook | None:
    if not (file := flags.authentication_token_webhook_config_file):
        return None
    from knarr.apiserver.authn.webhooktokens import TokenWebhook

    version, seconds = flags.authentication_token_webhook_version, flags.authentication_token_webhook_cache_ttl
    return TokenWebhook(Path(file), version, seconds)


def _by_flags(flags: Issuers, ours: tuple[str, ...]) -> Foreign:
    """The one issuer that the --oidc flags name."""
    from knarr.apiserver.authn.oidc.checking import problems
    from knarr.apiserver.authn.oidc.configurations import (
        AuthenticationConfiguration,
        ClaimMappings,
        ClaimRule,
        Foreign,
        Issuer,
        JWTAuthenticator,
        Mapping,
    )

    name, prefix = flags.oidc_username_claim, flags.oidc_username_prefix
    if not prefix:
        prefix = "" if name == "email" else f"{flags.oidc_issuer_url}#"
    pairs = (pair.split("=", 1) for pair in flags.oidc_required_claim)
    groups = (
        Mapping(claim=flags.oidc_groups_claim, prefix=flags.oidc_groups_prefix)
        if flags.oidc_groups_claim
        else Mapping()
    )
    told = JWTAuthenticator(
        issuer=Issuer(
            url=flags.oidc_issuer_url,
            audiences=(flags.oidc_client_id,),
            certificate_authority=_authority(flags),
        ),
        claim_mappings=ClaimMappings(
            username=Mapping(claim=name, prefix="" if prefix == "-" else prefix),
            groups=groups,
        ),
        claim_validation_rules=tuple(ClaimRule(claim=claim, required_value=value) for claim, value in pairs),
    )
    if said := [str(problem) for problem in problems(AuthenticationConfiguration(jwt=(told,)), ours)]:
        raise UserError("; ".join(said))
    return Foreign((told,), flags.oidc_signing_algs)


def _authority(flags: Issuers) -> str:
    try:
        return Path(flags.oidc_ca_file).read_text() if flags.oidc_ca_file else ""
    except OSError as error:
        raise UserError(f"--oidc-ca-file {flags.oidc_ca_file}: {error.strerror}") from None
