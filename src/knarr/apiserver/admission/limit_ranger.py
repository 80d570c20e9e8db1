"""LimitRanger: what is created keeps to the bounds of its namespace's LimitRanges, and gets their defaults.

https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.api.limits import claim_violations, pod_violations, set_defaults
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.machinery.errors import aggregate

_VIOLATIONS = {"pods": pod_violations, "persistentvolumeclaims": claim_violations}


def mutate(attributes: Attributes) -> None:
    if _concerns(attributes) and attributes.kind.plural == "pods" and attributes.object is not None:
        for limits in _ranges(attributes):
            set_defaults(limits, attributes.object)


def validate(attributes: Attributes) -> None:
    if _concerns(attributes):
        violations = _VIOLATIONS[attributes.kind.plural]
        for limits in _ranges(attributes):
            if whys := list(dict.fromkeys(violations(limits, attributes.object or {}))):
                raise attributes.forbidden(aggregate(whys))


def _concerns(attributes: Attributes) -> bool:
    """Of an existing Pod nothing can change that is bounded, but by a resize; what is going away is left alone."""
    if (attributes.old or {}).get("metadata", {}).get("deletionTimestamp"):
        return False
    if attributes.kind.plural == "pods" and attributes.operation == "UPDATE":
        return attributes.subresource == "resize"
    return not attributes.subresource


def _ranges(attributes: Attributes) -> Iterator[JSON]:
    return attributes.lister.list("", "limitranges", attributes.namespace)


PLUGIN = Plugin("LimitRanger", mutate=mutate, validate=validate, resources=tuple(_VIOLATIONS), subresources=True)
