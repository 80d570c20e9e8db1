"""Writes that turn out to be more than their verb says: who may update does not therefore create."""

from __future__ import annotations

from msgspec.structs import replace

from knarr.apiserver.authz.authorizer import Verdict, forbidden
from knarr.apiserver.verbs.call import Call


async def require_create(call: Call) -> None:
    """Whether the user may create what is missing. Raises Forbidden."""
    authorizer, user = call.registry.authorizer, call.request.user
    info = replace(call.request.info, verb="create")
    if authorizer is None:
        return
    decision = await authorizer.authorize(user, info)
    if decision.verdict is not Verdict.ALLOW:
        raise forbidden(user, info, decision.reason)
