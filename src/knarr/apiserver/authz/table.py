"""The authorizers by their types, and the ones that a server has, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.abac import ABAC, read_policies
from knarr.apiserver.authz.always import AlwaysAllow, AlwaysDeny
from knarr.apiserver.authz.authorizer import Authorizer, Decision, InTurn, Verdict
from knarr.apiserver.authz.configuration import Authorization, Configured, by_modes, decoded
from knarr.apiserver.authz.fields import WEBHOOK
from knarr.apiserver.authz.node import NodeAuthorizer
from knarr.apiserver.authz.rbac import RBAC
from knarr.apiserver.authz.tenancy import Tenancy
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.metrics.authorization import DECISIONS
from knarr.apiserver.registry import Registry
from knarr.apiserver.reloading import Reloaded

if TYPE_CHECKING:
    from knarr.apiserver.authz.webhook import WebhookAuthorizer

DEFAULT = by_modes(("Node", "RBAC"))  # upstream's clusters have these, of any maker
T = TypeVar("T", bound=Authorizer)

# Those that there is one of, and that live as long as the server.
AUTHORIZERS: Mapping[str, Callable[[Registry, Path | None], Authorizer]] = {
    "ABAC": lambda registry, policies: ABAC(read_policies(policies)),
    "AlwaysAllow": lambda registry, policies: AlwaysAllow(),
    "AlwaysDeny": lambda registry, policies: AlwaysDeny(),
    "Node": lambda registry, policies: NodeAuthorizer(Tenancy(registry)),
    "RBAC": lambda registry, policies: RBAC(registry),
}


def authorizer_of(registry: Registry, authorization: Authorization = DEFAULT) -> Configurable:
    """The authorizer of a server, fed by its watch cache. Raises ConfigFileError."""
    return (Reconfigurable if authorization.file else Configurable)(registry, authorization)


class Configurable(InTurn):
    """The configured authorizers in turn."""

    def __init__(self, registry: Registry, authorization: Authorization) -> None:
        super().__init__()
        self._registry = registry
        self._own = {
            given.type: _counted(AUTHORIZERS[given.type](registry, authorization.policies), registry, given)
            for given in authorization.authorizers
            if given.type != WEBHOOK
        }
        self.roles = self._own.get("RBAC") or RBAC(registry)  # what roles allow, whoever decides
        self._apply(authorization.authorizers)

    def close(self) -> None:
        """Keep no connection to webhooks any more."""
        for webhook in self._webhooks:
            webhook.close()

    def _apply(self, configured: tuple[Configured, ...]) -> None:
        """Raises ConfigFileError."""
        webhooks = {given.name: _webhook(self._registry, given) for given in configured if given.type == WEBHOOK}
        self._webhooks = tuple(webhooks.values())
        self._authorizers = tuple(
            webhooks[given.name] if given.type == WEBHOOK else self._own[given.type] for given in configured
        )


class Reconfigurable(Configurable):
    """Those that a file names, which may change which webhooks there are, and the order; the other authorizers neither
    come nor go.
    """

    def __init__(self, registry: Registry, authorization: Authorization) -> None:
        super().__init__(registry, authorization)
        assert authorization.file
        self._file = Reloaded(authorization.file, self._reload, "authorization", registry.metrics, registry.clock)

    def at_once(self, user: User, info: RequestInfo) -> Decision | None:
        self._file.look()
        return super().at_once(user, info)

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        self._file.look()
        return await super().authorize(user, info)

    def _reload(self, text: bytes) -> None:
        """Raises ConfigFileError."""
        configured = decoded(text)
        types = {given.type for given in configured} - {WEBHOOK}
        if missing := sorted(self._own.keys() - types):
            raise ConfigFileError(f"missing required types: [{' '.join(missing)}]")
        if new := sorted(types - self._own.keys()):
            raise ConfigFileError(
                f"authorizer type {new[0]} is not allowed if it was not enabled at initial server startup"
            )
        before = self._webhooks
        self._apply(configured)
        for webhook in before:
            webhook.close()


def _webhook(registry: Registry, given: Configured) -> WebhookAuthorizer:
    """Raises ConfigFileError."""
    from knarr.apiserver.authz.webhook import WebhookAuthorizer  # loaded where there is one
    from knarr.apiserver.outbound.remotes import Remote
    from knarr.client.kubeconfig import KubeconfigError

    assert given.webhook
    try:
        remote = Remote(given.webhook.file, registry.clock)
    except KubeconfigError as error:
        raise ConfigFileError(f"the webhook {given.name} cannot be asked: {error}") from None
    return _counted(WebhookAuthorizer(given.name, given.webhook, remote, registry), registry, given)


def _counted(authorizer: T, registry: Registry, given: Configured) -> T:
    """The same, which has its decisions counted."""
    words = {Verdict.ALLOW: "allowed", Verdict.DENY: "denied"}
    authorizer.counts = {
        verdict: registry.metrics.count(DECISIONS, (word, given.name, given.type)) for verdict, word in words.items()
    }
    return authorizer
