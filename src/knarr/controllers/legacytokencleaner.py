"""Tokens of Secrets that were made for accounts unasked, and that nobody has used for a year: refused, then removed.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#auto-generated-legacy-serviceaccount-token-clean-up
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

from knarr.api.pods.references import references
from knarr.api.serviceaccounts import INVALID_SINCE, LAST_USED, SINCE, TRACKING, day
from knarr.client.objects import Object
from knarr.client.resources import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from knarr.controllers.tokens import OF_ACCOUNTS, Account, TokenSecret
from knarr.machinery.errors import Conflict, NotFound
from knarr.machinery.times import parse_duration, parse_time
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

# A duration: without use, after which a token is refused; and refused, after which it is removed.
SETTING, _YEAR = "legacy-service-account-token-clean-up-period", "8760h"
_DAY = 86400.0


class ConfigMap(Object, frozen=True):
    data: dict[str, str] = {}


async def reconcile(context: Context, key: str) -> None:
    """Mark or remove the Secret, if it is as old as that and nobody needs it."""
    secret, now = context.cache(SECRETS, TokenSecret).get(key), context.clock.now()
    since = (now - timedelta(seconds=parse_duration(context.settings.get(SETTING, _YEAR)))).date()
    if secret is None or not _is_unused(secret, since):
        return
    if not _is_listed(context, secret) or not await _is_tracked(context, since):
        return
    if not await _is_mounted(context, secret):
        await _retire(context, secret, since, now.date())


def _is_unused(secret: TokenSecret, since: date) -> bool:
    meta = secret.metadata
    if meta.deletion_timestamp or parse_time(meta.creation_timestamp or "").date() >= since:
        return False
    if LAST_USED not in meta.labels:
        return True
    used = day(meta.labels[LAST_USED])
    return used is not None and used < since


async def _is_tracked(context: Context, since: date) -> bool:
    """Whether a use would have been noted: the servers have kept book for that long."""
    try:
        found = await context.client.get(CONFIG_MAPS, TRACKING, "kube-system", view=ConfigMap)
    except NotFound:
        return False
    begun = day(found.data.get(SINCE, ""))
    return begun is not None and begun < since


def _is_listed(context: Context, secret: TokenSecret) -> bool:
    """Whether its account lists it: those that users have made are not listed, and theirs to remove."""
    account = context.cache(SERVICE_ACCOUNTS, Account).get(secret.account)
    return account is not None and any(reference.name == secret.metadata.name for reference in account.secrets)


async def _is_mounted(context: Context, secret: TokenSecret) -> bool:
    meta = secret.metadata
    pods = await context.reader.list(PODS, meta.namespace, view=dict)
    return any(("secrets", meta.name) in references(pod) for pod in pods.items)


async def _retire(context: Context, secret: TokenSecret, since: date, today: date) -> None:
    meta = secret.metadata
    marked = day(meta.labels.get(INVALID_SINCE, ""))
    with suppress(NotFound, Conflict):  # it has changed: the cache will show how
        if marked is None:
            metadata = {"resourceVersion": meta.resource_version, "labels": {INVALID_SINCE: today.isoformat()}}
            await context.client.patch(SECRETS, meta.name, {"metadata": metadata}, meta.namespace)
        elif marked < since:
            await context.client.delete(SECRETS, meta.name, meta.namespace, resource_version=meta.resource_version)


CONTROLLER = Controller(
    name="legacy-serviceaccount-token-cleaner-controller",
    account="legacy-service-account-token-cleaner",
    watches=(
        Watch(SECRETS, TokenSecret, field_selector=OF_ACCOUNTS),
        Watch(SERVICE_ACCOUNTS, Account, keys=lambda account: ()),
    ),
    reconcile=reconcile,
    resync=_DAY,
    may={f"configmaps={TRACKING}": "get", "secrets": "delete patch"},
)
