"""Which part of an object an endpoint may write: the rest stays as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from knarr.api import certificates
from knarr.api.kind import JSON, Kind
from knarr.api.pods.subresources import validate_ephemeral, validate_resize
from knarr.machinery.apply.sets import EMPTY, LEAF, FieldSet
from knarr.machinery.fielderrors import FieldError

Preparation = Callable[[JSON, JSON], None]
Rule = Callable[[JSON, JSON], Iterable[FieldError]]


@dataclass(frozen=True, slots=True)
class Part:
    """`merge(kind, new, old)` returns the object to store, made of the writable part of `new` and the rest of `old`."""

    merge: Callable[[Kind, JSON, JSON], JSON]
    prepare: Callable[[Kind], Preparation | None] | None = None
    counts: bool = False  # whether writing it makes a new generation of the object
    rule: Callable[[Kind], Rule | None] = lambda kind: None  # what the kind says of (new, old) written this way
    reset: Callable[[Kind], FieldSet] = lambda kind: EMPTY  # what nobody comes to own by writing this part
    owned: bool = True  # whether who writes it owns what he writes


def _replace(tree: JSON, name: str, source: JSON) -> JSON:
    """The tree with one field as in `source`, absent where it is absent there."""
    rest = {key: value for key, value in tree.items() if key != name}
    return {**rest, name: source[name]} if name in source else rest


def _main(kind: Kind, new: JSON, old: JSON) -> JSON:
    return _replace(new, "status", old) if kind.has_status else new


def _status(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The status, and of the metadata what does not say whose the object is."""
    merged = _replace(old, "status", new)
    if kind.storage_version.own:
        return merged
    merged["metadata"] = _replace(new["metadata"], "ownerReferences", old["metadata"])
    return merged


def _finalize(kind: Kind, new: JSON, old: JSON) -> JSON:
    """A namespace's own finalizers, in its spec."""
    return {**old, "spec": {**old.get("spec", {}), "finalizers": (new.get("spec") or {}).get("finalizers") or []}}


def _ephemeral_containers(kind: Kind, new: JSON, old: JSON) -> JSON:
    return {**old, "spec": _replace(old["spec"], "ephemeralContainers", new["spec"])}


def _resize(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The resources of the containers, by their names, and of the Pod as a whole."""
    spec = _replace(old["spec"], "resources", new["spec"])
    for sort in ("containers", "initContainers"):
        wanted = {container["name"]: container for container in new["spec"].get(sort) or ()}
        if containers := old["spec"].get(sort):
            spec[sort] = [_replace(c, "resources", wanted.get(c["name"], c)) for c in containers]
    return {**old, "spec": spec}


def _approval(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The conditions of a certificate signing request, and its metadata; its certificate is the signer's."""
    status = _replace(old.get("status") or {}, "conditions", new.get("status") or {})
    return {**old, "metadata": new["metadata"], "status": status}


_NO_STATUS: FieldSet = {"f:status": LEAF}
_STATUS_ONLY: FieldSet = {"f:metadata": {"f:deletionTimestamp": LEAF, "f:ownerReferences": LEAF}, "f:spec": LEAF}
_NOTHING_BUT_STATUS: FieldSet = {"f:metadata": LEAF, "f:spec": LEAF}

MAIN = Part(
    _main,
    lambda kind: kind.prepare_update,
    counts=True,
    rule=lambda kind: kind.validate_update,
    reset=lambda kind: _NO_STATUS if kind.has_status else EMPTY,
)
STATUS = Part(
    _status,
    lambda kind: kind.prepare_status,
    rule=lambda kind: kind.validate_status,
    reset=lambda kind: _NOTHING_BUT_STATUS if kind.storage_version.own else _STATUS_ONLY,
)
APPROVAL = Part(_approval, rule=lambda kind: certificates.validate_approval)
FINALIZE = Part(_finalize)
EPHEMERAL_CONTAINERS = Part(_ephemeral_containers, counts=True, rule=lambda kind: validate_ephemeral)
RESIZE = Part(_resize, counts=True, rule=lambda kind: validate_resize)
WHOLE = Part(lambda kind, new, old: new, owned=False)
