"""Bootstrap tokens are removed when they expire.

https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#bootstrap-token-secret-format
"""

from __future__ import annotations

from contextlib import suppress

from knarr.api.bootstraptokens import NAMESPACE, remaining, texts
from knarr.client.resources import SECRETS
from knarr.controllers.tokens import OF_BOOTSTRAPPERS, BootstrapToken
from knarr.machinery.errors import Conflict, NotFound
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch


async def reconcile(context: Context, key: str) -> After | None:
    """Remove the token if it is over, otherwise look again when it will be."""
    secret = context.cache(SECRETS, BootstrapToken).get(key)
    if secret is None or secret.metadata.namespace != NAMESPACE:
        return None
    left = remaining(texts(secret.data), context.clock.now())
    if left is None:
        return None
    if left > 0:
        return After(left)
    meta = secret.metadata
    with suppress(NotFound, Conflict):  # gone, or another one of its name
        await context.client.delete(SECRETS, meta.name, meta.namespace, uid=meta.uid)
    return None


CONTROLLER = Controller(
    name="token-cleaner-controller",
    account="token-cleaner",
    queue="token_cleaner",
    watches=(Watch(SECRETS, BootstrapToken, field_selector=OF_BOOTSTRAPPERS),),
    reconcile=reconcile,
    may={"secrets": "delete"},
)
