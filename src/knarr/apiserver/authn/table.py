"""The ways to prove an identity, put together in upstream's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from knarr.apiserver.authn.accounts import AccountTokens
from knarr.apiserver.authn.anonymous import ANYBODY, Anonymous
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.bearers import TokenAuthenticator, TokenUnion
from knarr.apiserver.authn.bootstraptokens import BootstrapTokens
from knarr.apiserver.authn.frontproxies import FrontProxies
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.users import User
from knarr.apiserver.metrics.access import CERTIFICATES
from knarr.apiserver.registry import Registry

if TYPE_CHECKING:  # what few servers are told of is loaded by those
    from knarr.apiserver.authn.oidc.configurations import Foreign
    from knarr.apiserver.authn.webhooktokens import TokenWebhook


class Authentication(msgspec.Struct, frozen=True):
    """What a server believes besides service accounts' tokens. `clients` None: any certificate that TLS lets in."""

    clients: Authorities | None = None
    proxies: FrontProxies | None = None
    tokens: Mapping[str, User] = {}  # of the static file
    bootstrap: bool = False
    foreign: Foreign | None = None
    webhook: TokenWebhook | None = None
    anonymous: Anonymous = ANYBODY


def bearers_of(registry: Registry, accounts: AccountTokenRules, told: Authentication) -> TokenUnion:
    """Those who know bearer tokens: requests and TokenReviews ask the same. Raises ConfigFileError."""
    ours = accounts.own_audiences
    known: tuple[TokenAuthenticator | None, ...] = (
        _of_file(told.tokens, ours) if told.tokens else None,
        AccountTokens(registry, accounts),
        BootstrapTokens(registry, registry.clock, ours) if told.bootstrap else None,
        _foreign(told.foreign, accounts, registry) if told.foreign else None,
        _of_webhook(told.webhook, ours, registry) if told.webhook else None,
    )
    return TokenUnion(*(authenticator for authenticator in known if authenticator))


def _of_file(tokens: Mapping[str, User], ours: Sequence[str]) -> TokenAuthenticator:
    from knarr.apiserver.authn.tokenfiles import FileTokens

    return FileTokens(tokens, ours)


def _of_webhook(told: TokenWebhook, ours: Sequence[str], registry: Registry) -> TokenAuthenticator:
    from knarr.apiserver.authn.webhooktokens import WebhookTokens

    return WebhookTokens(told, ours, registry.clock)


def _foreign(told: Foreign, accounts: AccountTokenRules, registry: Registry) -> TokenAuthenticator:
    from knarr.apiserver.authn.oidc.tokens import ForeignTokens  # with CEL, which takes longer than all the others

    return ForeignTokens(told, accounts.issuers, accounts.own_audiences, registry)


def authenticator_of(
    registry: Registry, accounts: AccountTokenRules, told: Authentication, bearers: TokenUnion
) -> Authenticator:
    """The authenticator of a server's requests."""
    return Authenticator(
        registry.clock,
        bearers,
        accounts.own_audiences,
        clients=told.clients,
        proxies=told.proxies,
        anonymous=told.anonymous,
        remaining=registry.metrics.spread(CERTIFICATES),
    )
