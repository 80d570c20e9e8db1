"""Which part of an object an endpoint may write: the rest stays as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from knarr.api import verdicts
from knarr.api.kind import JSON, Kind
from knarr.api.pods.subresources import validate_ephemeral, validate_resize
from knarr.machinery.apply.sets import ANY, LEAF, FieldSet, Filter, everything, within, without_branches
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
    owns: Callable[[Kind], Filter] = lambda kind: everything  # of what is written, what has owners then
    owned: bool = True  # whether who writes it owns what he writes


def _replace(tree: JSON, name: str, source: JSON) -> JSON:
    """The tree with one field as in `source`, absent where it is absent there."""
    rest = {key: value for key, value in tree.items() if key != name}
    return {**rest, name: source[name]} if name in source else rest


def _main(kind: Kind, new: JSON, old: JSON) -> JSON:
    return _replace(new, "status", old) if kind.has_status else new


def _status(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The status, and of the metadata what the kind lets go with it."""
    metadata = new["metadata"]
    for name in _fixed_by_status(kind):
        metadata = _replace(metadata, name, old["metadata"])
    return {**_replace(old, "status", new), "metadata": metadata}


def _fixed_by_status(kind: Kind) -> tuple[str, ...]:
    """What of the metadata stays when the status is written."""
    if kind.storage_version.own:
        return _METADATA
    return _FIXED_BY_STATUS.get(kind.qualified_resource, ())


def _finalize(kind: Kind, new: JSON, old: JSON) -> JSON:
    """A namespace's own finalizers, in its spec."""
    spec = {**old.get("spec", {}), "finalizers": (new.get("spec") or {}).get("finalizers") or []}
    return {**old, "metadata": new["metadata"], "spec": spec}


def _ephemeral_containers(kind: Kind, new: JSON, old: JSON) -> JSON:
    return {**old, "spec": _replace(old["spec"], "ephemeralContainers", new["spec"])}


def _resize(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The resources of the Pod as a whole and of its containers, and how these are resized; other containers than there
    are go on to be refused.
    """
    spec = _replace(old["spec"], "resources", new["spec"])
    for sort in ("containers", "initContainers"):
        wanted, known = new["spec"].get(sort) or [], spec.get(sort) or []
        if [container["name"] for container in wanted] != [container["name"] for container in known]:
            spec[sort] = wanted
        elif known:
            spec[sort] = [_resized(*pair) for pair in zip(known, wanted, strict=True)]
    return {**old, "spec": spec}


def _resized(container: JSON, wanted: JSON) -> JSON:
    return _replace(_replace(container, "resources", wanted), "resizePolicy", wanted)


def _approval(kind: Kind, new: JSON, old: JSON) -> JSON:
    """The conditions of a certificate signing request, and its metadata; its certificate is the signer's."""
    status = _replace(old.get("status") or {}, "conditions", new.get("status") or {})
    return {**old, "metadata": new["metadata"], "status": status}


_METADATA = ("annotations", "finalizers", "labels", "ownerReferences")
# As upstream's strategies have it: what a write of the status leaves of the metadata as it was.
_FIXED_BY_STATUS = {
    "apiservices.apiregistration.k8s.io": _METADATA,
    "customresourcedefinitions.apiextensions.k8s.io": _METADATA,
    "deployments.apps": ("labels",),
    "flowschemas.flowcontrol.apiserver.k8s.io": _METADATA,
    "pods": ("ownerReferences",),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": _METADATA,
    "resourceclaims.resource.k8s.io": _METADATA,
    "validatingadmissionpolicies.admissionregistration.k8s.io": _METADATA,
    "volumeattachments.storage.k8s.io": _METADATA,
}
_SIZES: FieldSet = {ANY: {"f:resizePolicy": LEAF, "f:resources": LEAF}}


def _all_but(fields: FieldSet) -> Filter:
    return partial(without_branches, right=fields)


def _only(fields: FieldSet) -> Filter:
    return partial(within, pattern=fields)


_BUT_STATUS = _all_but({"f:status": LEAF})
_NEITHER = _all_but({"f:spec": LEAF, "f:status": LEAF})  # the spec of a request for a certificate never changes


def _of_status(kind: Kind) -> Filter:
    fixed = _fixed_by_status(kind)
    metadata = LEAF if fixed == _METADATA else {f"f:{name}": LEAF for name in fixed}
    return _all_but({"f:metadata": metadata, "f:spec": LEAF} if fixed else {"f:spec": LEAF})


def _of_main(kind: Kind) -> Filter:
    if kind.qualified_resource == "certificatesigningrequests.certificates.k8s.io":
        return _NEITHER
    return _BUT_STATUS if kind.has_status else everything


MAIN = Part(
    _main,
    lambda kind: kind.prepare_update,
    counts=True,
    rule=lambda kind: kind.validate_update,
    owns=_of_main,
)
STATUS = Part(
    _status,
    lambda kind: kind.prepare_status,
    rule=lambda kind: kind.validate_status,
    owns=_of_status,
)
APPROVAL = Part(
    _approval,
    rule=lambda kind: verdicts.validate_approval,
    owns=lambda kind: _all_but({"f:spec": LEAF, "f:status": {"f:certificate": LEAF}}),
)
FINALIZE = Part(_finalize, owns=lambda kind: _BUT_STATUS)
EPHEMERAL_CONTAINERS = Part(
    _ephemeral_containers,
    counts=True,
    rule=lambda kind: validate_ephemeral,
    owns=lambda kind: _only({"f:spec": {"f:ephemeralContainers": LEAF}}),
)
RESIZE = Part(
    _resize,
    counts=True,
    rule=lambda kind: validate_resize,
    owns=lambda kind: _only({"f:spec": {"f:containers": _SIZES, "f:initContainers": _SIZES, "f:resources": LEAF}}),
)
WHOLE = Part(lambda kind, new, old: new, owned=False)
