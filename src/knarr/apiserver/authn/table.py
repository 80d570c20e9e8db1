"""The ways to prove an identity, put together in upstream's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from knarr.apiserver.authn.accounts import AccountTokens
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.bearers import TokenAuthenticator, TokenUnion
from knarr.apiserver.authn.bootstraptokens import BootstrapTokens
from knarr.apiserver.authn.frontproxies import FrontProxies
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.oidc.configurations import ANYBODY, Anonymous, Foreign
from knarr.apiserver.authn.tokenfiles import FileTokens
from knarr.apiserver.authn.users import User
from knarr.apiserver.authn.webhooktokens import TokenWebhook, WebhookTokens
from knarr.apiserver.metrics.access import CERTIFICATES
from knarr.apiserver.registry import Registry


@dataclass(frozen=True, slots=True)
class Authentication:
    """What a server believes besides service accounts' tokens. `clients` None: any certificate that TLS lets in."""

    clients: Authorities | None = None
    proxies: FrontProxies | None = None
    tokens: Mapping[str, User] = field(default_factory=dict)  # of the static file
    bootstrap: bool = False
    foreign: Foreign | None = None
    webhook: TokenWebhook | None = None
    anonymous: Anonymous = ANYBODY


def bearers_of(registry: Registry, accounts: AccountTokenRules, told: Authentication) -> TokenUnion:
    """Those who know bearer tokens: requests and TokenReviews ask the same. Raises ConfigFileError."""
    ours = accounts.own_audiences
    known: tuple[TokenAuthenticator | None, ...] = (
        FileTokens(told.tokens, ours) if told.tokens else None,
        AccountTokens(registry, accounts),
        BootstrapTokens(registry, registry.clock, ours) if told.bootstrap else None,
        _foreign(told.foreign, accounts, registry) if told.foreign else None,
        WebhookTokens(told.webhook, ours, registry.clock) if told.webhook else None,
    )
    return TokenUnion(*(authenticator for authenticator in known if authenticator))


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
