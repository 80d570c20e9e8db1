"""AuthenticationConfiguration of apiserver.config.k8s.io, as its file has it (KEP-3331)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from knarr.apiserver.authn.anonymous import Anonymous
from knarr.apiserver.configfiles import ConfigFile, decode_config

ALGORITHMS = tuple(f"{family}{bits}" for family in ("RS", "ES", "PS") for bits in (256, 384, 512))
VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


class Issuer(ConfigFile, frozen=True, kw_only=True):
    """Who signs, and for whom. Its keys are found below `url`, or at `discovery_url`."""

    url: str = ""
    discovery_url: str = msgspec.field(name="discoveryURL", default="")
    certificate_authority: str = ""
    audiences: tuple[str, ...] = ()
    audience_match_policy: str = ""
    egress_selector_type: str = ""


class Mapping(ConfigFile, frozen=True, kw_only=True):
    """A claim, or an expression over claims. `prefix` goes before what a claim holds."""

    claim: str = ""
    prefix: str | None = None
    expression: str = ""


class UIDMapping(ConfigFile, frozen=True, kw_only=True):
    """The same for a uid, which has no prefix."""

    claim: str = ""
    expression: str = ""


class ExtraMapping(ConfigFile, frozen=True, kw_only=True):
    """A key of a user's extra, and the expression of its values."""

    key: str = ""
    value_expression: str = ""


class ClaimMappings(ConfigFile, frozen=True, kw_only=True):
    """How claims make a user."""

    username: Mapping = Mapping()
    groups: Mapping = Mapping()
    uid: UIDMapping = UIDMapping()
    extra: tuple[ExtraMapping, ...] = ()


class ClaimRule(ConfigFile, frozen=True, kw_only=True):
    """What claims must be: one of a value, or all as an expression says."""

    claim: str = ""
    required_value: str = ""
    expression: str = ""
    message: str = ""


class UserRule(ConfigFile, frozen=True, kw_only=True):
    """What the user must be that claims have made."""

    expression: str = ""
    message: str = ""


class JWTAuthenticator(ConfigFile, frozen=True, kw_only=True):
    """An issuer whose tokens are believed."""

    issuer: Issuer = Issuer()
    claim_validation_rules: tuple[ClaimRule, ...] = ()
    claim_mappings: ClaimMappings = ClaimMappings()
    user_validation_rules: tuple[UserRule, ...] = ()


class AuthenticationConfiguration(ConfigFile, frozen=True, kw_only=True):
    """The whole file."""

    jwt: tuple[JWTAuthenticator, ...] = ()
    anonymous: Anonymous | None = None


def decoded(text: bytes) -> AuthenticationConfiguration:
    """What a file says. Raises ConfigFileError."""
    return decode_config(text, "AuthenticationConfiguration", VERSIONS, AuthenticationConfiguration)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Whose tokens are believed besides our own, and how they may be signed. `file` is where `issuers` come from: it is
    followed.
    """

    issuers: tuple[JWTAuthenticator, ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    file: Path | None = None
