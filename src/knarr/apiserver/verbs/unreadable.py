"""DELETE of what cannot be read: the way out where a key is lost or a value damaged, and there may be no etcdctl.

Upstream's feature AllowUnsafeMalformedObjectDeletion (KEP-3926), which is off there in 1.36: nothing of the object is
known, so that no precondition, finalizer or webhook is looked at. That takes a right of its own.
"""

from __future__ import annotations

from msgspec.structs import replace

from knarr.apiserver.authz.authorizer import Verdict
from knarr.apiserver.verbs.answers import success
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import Forbidden, Invalid
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.storage.store import Write
from knarr.wire.messages import Answer

OPTION = "ignoreStoreReadErrorWithClusterBreakingPotential"
_VERB = "unsafe-delete-ignore-read-errors"


async def delete(call: Call) -> Answer:
    """Remove the object, for good and at once. Raises Invalid where it can be read, Forbidden."""
    await call.registry.synced()
    if call.key not in call.registry.cache.unreadable:
        why = "is exclusively used to delete corrupt object(s), try again by removing this option"
        raise _refused(call, invalid(OPTION, True, why))
    await _require_right(call)
    record = await call.registry.store.get(call.key)
    if record is None:  # somebody else was faster
        raise call.not_found()
    await call.registry.commit([Write(call.key, None, expected=record.modified)])
    return success(call, details={"name": call.name, "group": call.kind.group, "kind": call.kind.plural})


def not_of_many(call: Call) -> Invalid:
    """What is removed unread is named one by one."""
    why = "is not allowed with DELETECOLLECTION, try again after removing the option"
    return _refused(call, invalid(OPTION, True, why))


async def _require_right(call: Call) -> None:
    authorizer, info = call.registry.authorizer, replace(call.request.info, verb=_VERB)
    decision = await authorizer.authorize(call.request.user, info) if authorizer else None
    if decision and decision.verdict is not Verdict.ALLOW:
        why = f'not permitted to do "{_VERB}", reason: {decision.reason}'
        raise Forbidden(
            f'{call.kind.qualified_resource} "{call.name}" is forbidden: {why}',
            kind=call.kind.plural,
            group=call.kind.group,
            name=call.name,
        )


def _refused(call: Call, error: FieldError) -> Invalid:
    return Invalid.of(call.kind.group, call.kind.plural, call.name, [error])
