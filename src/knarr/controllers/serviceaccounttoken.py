"""Secrets of the type kubernetes.io/service-account-token get a token of the account that they name, and go with it.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from contextlib import suppress

from knarr.api.serviceaccounts import (
    ACCOUNT_NAME,
    ACCOUNT_UID,
    CA,
    NAMESPACE,
    TOKEN,
    legacy_claims,
)
from knarr.client.objects import JSON, Object
from knarr.client.resources import SECRETS, SERVICE_ACCOUNTS
from knarr.controllers.replacing import replace
from knarr.controllers.tokens import OF_ACCOUNTS, Account, TokenSecret
from knarr.machinery.errors import Conflict, NotFound
from knarr.machinery.signing import private_key
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

# Settings, both in PEM: the key that signs, without which nothing is done, and the authority of the API server.
SETTING, ROOT_CA = "service-account-private-key-file", "root-ca-file"
_BY_ACCOUNT = "account"


async def reconcile(context: Context, key: str) -> None:
    """Fill the Secret of this key, or remove it where its account is gone; drop references to it where it is gone."""
    if SETTING not in context.settings:
        return
    secret = context.cache(SECRETS, TokenSecret).get(key)
    if secret is None:
        await _dereference(context, key)
    elif secret.metadata.deletion_timestamp is None:
        account = await _account(context, secret)
        await (_fill(context, secret, account) if account else _remove(context, secret))


async def _account(context: Context, secret: TokenSecret) -> Account | None:
    """The account that the Secret names, asked for where the cache does not show it (yet)."""
    namespace, _, name = secret.account.partition("/")
    found = context.cache(SERVICE_ACCOUNTS, Account).get(secret.account)
    if _is_meant(secret, found):
        return found
    try:
        found = await context.client.get(SERVICE_ACCOUNTS, name, namespace, view=Account)
    except NotFound:
        return None
    return found if _is_meant(secret, found) else None


def _is_meant(secret: TokenSecret, account: Account | None) -> bool:
    wanted = secret.metadata.annotations.get(ACCOUNT_UID)
    return account is not None and wanted in (None, "", account.metadata.uid)


async def _fill(context: Context, secret: TokenSecret, account: Account) -> None:
    data = _missing(context, secret, account)
    if not data:
        return
    meta, whose = secret.metadata, account.metadata
    annotations = {ACCOUNT_NAME: whose.name, ACCOUNT_UID: whose.uid}
    metadata = {"resourceVersion": meta.resource_version, "annotations": annotations}
    change: JSON = {"metadata": metadata, "data": {name: base64.b64encode(it).decode() for name, it in data.items()}}
    with suppress(NotFound, Conflict):  # the cache will show what has become of it
        await replace(context.client, SECRETS, meta.name, change, meta.namespace)


def _missing(context: Context, secret: TokenSecret, account: Account) -> dict[str, bytes]:
    meta, found = secret.metadata, {}
    authority = context.settings.get(ROOT_CA, "").encode()
    if authority and base64.b64decode(secret.data.get(CA, "")) != authority:
        found[CA] = authority
    if not secret.data.get(NAMESPACE):
        found[NAMESPACE] = meta.namespace.encode()
    if not secret.data.get(TOKEN):
        claims = legacy_claims(meta.namespace, account.metadata.name, account.metadata.uid, meta.name)
        found[TOKEN] = private_key(context.settings[SETTING].encode()).sign(claims).encode()
    return found


async def _remove(context: Context, secret: TokenSecret) -> None:
    meta = secret.metadata
    with suppress(NotFound, Conflict):  # gone, or another one of its name
        await context.client.delete(SECRETS, meta.name, meta.namespace, uid=meta.uid)


async def _dereference(context: Context, key: str) -> None:
    """Accounts that list the Secret as one of theirs list it no longer."""
    namespace, _, name = key.partition("/")
    for account in context.cache(SERVICE_ACCOUNTS, Account).by_index("secret", key):
        left = [{"name": reference.name} for reference in account.secrets if reference.name != name]
        meta = account.metadata
        change: JSON = {"metadata": {"resourceVersion": meta.resource_version}, "secrets": left or None}
        try:
            await context.client.get(SECRETS, name, namespace, view=Object)
        except NotFound:
            await replace(context.client, SERVICE_ACCOUNTS, meta.name, change, namespace)


def _secrets_of(account: Account, context: Context) -> Iterable[str]:
    """Those that name it: whoever they are for, its coming and going concerns them."""
    named = context.cache(SECRETS, TokenSecret).by_index(_BY_ACCOUNT, account.metadata.key)
    return (secret.metadata.key for secret in named)


def _listed(account: Account) -> Iterable[str]:
    return (f"{account.metadata.namespace}/{reference.name}" for reference in account.secrets)


CONTROLLER = Controller(
    name="serviceaccount-token-controller",
    account=None,  # as upstream's: by its rights all the others get their tokens
    queue="serviceaccount_tokens_secret",
    watches=(
        Watch(
            SECRETS,
            TokenSecret,
            field_selector=OF_ACCOUNTS,
            indexes={_BY_ACCOUNT: lambda secret: (secret.account,)},
        ),
        Watch(SERVICE_ACCOUNTS, Account, keys=_secrets_of, needs_context=True, indexes={"secret": _listed}),
    ),
    reconcile=reconcile,
    may={"secrets": "delete get update", "serviceaccounts": "get update"},
)
