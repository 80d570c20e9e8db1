"""Which names a definition gets, and whether it is served: the conditions of a definition, decided purely.

Names are first come, first served among the definitions of a group; what was accepted once stays its owner's.
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.conditions import condition_of, is_true
from knarr.api.custom.conversions import has_authority
from knarr.api.custom.definitions import approval, is_protected, set_condition
from knarr.api.kind import JSON
from knarr.machinery.errors import aggregate

_ACCEPTED, _ESTABLISHED, _APPROVED = "NamesAccepted", "Established", "KubernetesAPIApprovalPolicyConformant"
_RESOURCES, _KINDS = ("plural", "singular"), ("kind", "listKind")
_APPROVALS = {
    "approved": ("True", "ApprovedAnnotation"),
    "bypassed": ("False", "UnapprovedAnnotation"),
    "invalid": ("False", "InvalidAnnotation"),
    "missing": ("False", "MissingAnnotation"),
}


def settle(crd: JSON, group: Iterable[JSON], now: str) -> None:
    """Bring a definition's status up to date; `group` are all definitions of its group, itself included."""
    names, conflict = _names(crd, list(group))
    status, reason, message = conflict or ("True", "NoConflicts", "no conflicts found")
    crd["status"] = {**(crd.get("status") or {}), "acceptedNames": names}
    set_condition(crd, _ACCEPTED, status, reason, message, now)
    if is_true(crd, _ESTABLISHED):
        pass  # and stays so
    elif status == "True" and not has_authority(crd["spec"]):
        message = "The conversion webhook CABundle is invalid"
        set_condition(crd, _ESTABLISHED, "False", "InvalidCABundle", message, now)
    elif status == "True":
        message = "the initial names have been accepted"
        set_condition(crd, _ESTABLISHED, "True", "InitialNamesAccepted", message, now)
    elif condition_of(crd, _ESTABLISHED) is None:
        set_condition(crd, _ESTABLISHED, "False", "NotAccepted", "not all names are accepted", now)
    if is_protected(crd["spec"]["group"]):
        state, message = approval(crd)
        set_condition(crd, _APPROVED, *_APPROVALS[state], message, now)


def _names(crd: JSON, group: list[JSON]) -> tuple[JSON, tuple[str, str, str] | None]:
    """The names that are the definition's now, and the last conflict, as a condition's status, reason and message."""
    wanted, accepted = crd["spec"]["names"], (crd.get("status") or {}).get("acceptedNames") or {}
    resources, kinds = _taken(group)
    names: JSON = {"plural": "", "kind": "", **accepted}
    conflict = None
    for name in (*_RESOURCES, "shortNames", *_KINDS):
        used = kinds if name in _KINDS else resources
        if clashes := _clashes(wanted.get(name), accepted.get(name), used):
            conflict = ("False", f"{name[0].upper()}{name[1:]}Conflict", clashes)
        elif wanted.get(name):
            names[name] = wanted[name]
        else:
            names.pop(name, None)
    names.pop("categories", None)
    return {**names, **({"categories": wanted["categories"]} if wanted.get("categories") else {})}, conflict


def _taken(group: list[JSON]) -> tuple[set[str], set[str]]:
    """What names resources and kinds of the group already."""
    accepted = [(crd.get("status") or {}).get("acceptedNames") or {} for crd in group]
    resources = {names[name] for names in accepted for name in _RESOURCES if names.get(name)}
    short = {name for names in accepted for name in names.get("shortNames") or ()}
    return resources | short, {names[name] for names in accepted for name in _KINDS if names.get(name)}


def _clashes(wanted: str | list[str] | None, accepted: str | list[str] | None, used: set[str]) -> str:
    """Why names cannot be had; empty where they can."""
    new = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    old = accepted if isinstance(accepted, list) else [accepted] if accepted else []
    return aggregate([f'"{name}" is already in use' for name in new if name not in old and name in used])
