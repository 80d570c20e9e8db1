"""The keys and rules of service accounts' tokens, as the cluster has them or its flags say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from knarr.apiserver.authn.keys import AccountKeys, AccountTokenRules
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.machinery.signing import KeyFormatError, private_key, public_keys


def account_tokens(config: Config) -> AccountTokenRules:
    """What the API server is to know of such tokens. Raises UserError for files that hold no keys."""
    flags = config.api.serviceaccounts
    return AccountTokenRules(
        AccountKeys(_signing(config), _verifying(config)),
        issuers=issuers_of(config),
        audiences=flags.api_audiences,
        jwks_uri=flags.service_account_jwks_uri,
        longest=int(flags.service_account_max_token_expiration),
        extends=flags.service_account_extend_token_expiration,
        looks_up=flags.service_account_lookup,
    )


def issuers_of(config: Config) -> tuple[str, ...]:
    """What our own issuer is called; the first is the name in new tokens."""
    return config.api.serviceaccounts.service_account_issuer or (f"https://kubernetes.default.svc.{config.domain}",)


def secret_key_file(config: Config) -> Path:
    """Where the key is by which controllers sign: the API server's, unless they have one of their own. Raises
    UserError for a file of a flag's that holds none.
    """
    told = config.controllers.secrettokens.service_account_private_key_file
    if told:
        _read("--service-account-private-key-file", told, private_key)
    return Path(told) if told else _signing_file(config)


def _signing_file(config: Config) -> Path:
    return Path(config.api.serviceaccounts.service_account_signing_key_file or config.pki / "service-accounts.key")


def _signing(config: Config) -> bytes:
    if config.api.serviceaccounts.service_account_signing_key_file:
        return _read("--service-account-signing-key-file", str(_signing_file(config)), private_key)
    return _signing_file(config).read_bytes()


def _verifying(config: Config) -> list[bytes]:
    told = config.api.serviceaccounts.service_account_key_file
    if told:
        return [_read("--service-account-key-file", file, public_keys) for file in told]
    return [(config.pki / "service-accounts.pub").read_bytes()]


def _read(flag: str, file: str, check: Callable[[bytes], object]) -> bytes:
    try:
        pem = Path(file).read_bytes()
        check(pem)
    except (OSError, KeyFormatError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{flag} {file}: {why}") from None
    return pem
