"""What is said of a certificate signing request: approved or denied once, failed or given its certificate once.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden

VERDICTS = ("Approved", "Denied")
LASTING = (*VERDICTS, "Failed")
_CONDITIONS, _CERTIFICATE = "status.conditions", "status.certificate"


def conditions_of(request: JSON, kind: str) -> list[JSON]:
    return [condition for condition in each(request, _CONDITIONS) if condition.get("type") == kind]


def stamp(new: JSON, old: JSON | None, now: str) -> None:
    """A condition says when it came, and when it was written last."""
    for condition in each(new, _CONDITIONS):
        condition.setdefault("lastUpdateTime", now)
        if "lastTransitionTime" not in condition:
            same = (c for c in conditions_of(old or {}, condition.get("type", "")) if _agree(c, condition))
            condition["lastTransitionTime"] = next((c.get("lastTransitionTime", now) for c in same), now)


def _agree(one: JSON, other: JSON) -> bool:
    return bool(one.get("status") == other.get("status"))


def validate_status(new: JSON, old: JSON) -> Iterable[FieldError]:
    """A signer adds the certificate; the verdict is not its business."""
    yield from _kept(new, old)
    for kind in VERDICTS:
        after, before = conditions_of(new, kind), conditions_of(old, kind)
        if len(after) >= len(before) and after != before:
            what = "add" if len(after) > len(before) else "modify"
            yield forbidden(_CONDITIONS, f'updates may not {what} a condition of type "{kind}"')
    if (before := dig(old, _CERTIFICATE)) and dig(new, _CERTIFICATE) != before:
        yield forbidden(_CERTIFICATE, "updates may not modify existing certificate content")


def validate_approval(new: JSON, old: JSON) -> Iterable[FieldError]:
    """An approver adds the verdict, and may reword it; nobody takes it back."""
    return _kept(new, old)


def _kept(new: JSON, old: JSON) -> Iterable[FieldError]:
    for kind in LASTING:
        if len(conditions_of(new, kind)) < len(conditions_of(old, kind)):
            yield forbidden(_CONDITIONS, f'updates may not remove a condition of type "{kind}"')
