"""Requests for certificates that nobody needs any more are deleted: each at its own time.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#request-signing-process
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers.objects import Condition
from knarr.controllers.signingrequests import SigningRequest
from knarr.machinery.errors import Conflict, NotFound
from knarr.machinery.times import parse_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

DECIDED, PENDING = timedelta(hours=1), timedelta(hours=24)


async def reconcile(context: Context, key: str) -> After | None:
    """Delete the request of this name, or wait until that is due."""
    request = context.cache(SIGNING_REQUESTS, SigningRequest).get(key)
    if request is None:
        return None
    ends = [*_ends(request), *await _expires(request)]
    if not ends:
        return None
    left = (min(ends) - context.clock.now()).total_seconds()
    if left > 0:
        return After(left)
    try:
        await context.client.delete(SIGNING_REQUESTS, key, uid=request.metadata.uid)
    except (NotFound, Conflict):  # gone, or another one of the same name
        return None
    return None


def _ends(request: SigningRequest) -> Iterator[datetime]:
    """When it has been here long enough: since its creation while nobody has said anything, else since the verdict."""
    if not request.status.conditions:
        yield parse_time(request.metadata.creation_timestamp or "") + PENDING
    for condition in request.status.conditions:
        if condition.last_update_time and (kept := _kept(request, condition)):
            yield parse_time(condition.last_update_time) + kept


def _kept(request: SigningRequest, condition: Condition) -> timedelta | None:
    """What is approved waits for its signer as long as others wait for approval."""
    if condition.type == "Approved":
        return DECIDED if request.status.certificate else PENDING
    return DECIDED if condition.type in ("Denied", "Failed") else None


async def _expires(request: SigningRequest) -> tuple[datetime, ...]:
    """When its certificate ends, if it has one that can be read."""
    if not request.status.certificate or not request.is_("Approved"):
        return ()
    return await asyncio.to_thread(_end_of, request.status.certificate)


def _end_of(pem: bytes) -> tuple[datetime, ...]:
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return (load_pem_x509_certificate(pem).not_valid_after_utc,)
    except ValueError:
        return ()


CONTROLLER = Controller(
    name="certificatesigningrequest-cleaner-controller",
    watches=(Watch(SIGNING_REQUESTS, SigningRequest),),
    reconcile=reconcile,
    account="certificate-controller",
    may={"certificatesigningrequests.certificates.k8s.io": "delete"},
)
