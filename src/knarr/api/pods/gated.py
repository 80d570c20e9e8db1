"""Where a Pod may go, while a gate holds it back: to fewer nodes than before, never to others (KEP-3838)."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, invalid

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def narrowing(after: JSON, before: JSON) -> Iterable[FieldError]:
    """What of a change to the spec lets the Pod go where it might not have gone."""
    wanted, had = after.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if any(wanted.get(key) != value for key, value in had.items()):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        yield invalid("spec.nodeSelector", wanted, detail)
    yield from _terms(*(each(_node_affinity(spec), f"{_REQUIRED}.nodeSelectorTerms") for spec in (after, before)))


def _node_affinity(spec: JSON) -> JSON:
    return dig(spec, "affinity.nodeAffinity") or {}


def _terms(after: list[JSON], before: list[JSON]) -> Iterable[FieldError]:
    """Of terms one is enough, so none comes or goes; within a term all are needed, so there may be more of them."""
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    if before and len(after) != len(before):
        detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        yield invalid(path, after, detail)
        return
    for index, (term, known) in enumerate(zip(after, before, strict=False)):
        if not _only_adds(term, known):
            yield invalid(f"{path}[{index}]", term, "only additions are allowed (no mutations or deletions)")


def _only_adds(term: JSON, known: JSON) -> bool:
    """An empty term selects nothing, and would select something with a requirement more."""
    fields = ("matchExpressions", "matchFields")
    if not any(known.get(field) for field in fields):
        return not any(term.get(field) for field in fields)
    return all(each(term, field)[: len(each(known, field))] == each(known, field) for field in fields)


def with_node_affinity_of(spec: JSON, other: JSON) -> JSON:
    """The spec with the other's affinity to nodes; without any affinity where none is left."""
    affinity = {key: value for key, value in (spec.get("affinity") or {}).items() if key != "nodeAffinity"}
    if nodes := _node_affinity(other):
        affinity["nodeAffinity"] = nodes
    rest = {key: value for key, value in spec.items() if key != "affinity"}
    return {**rest, "affinity": affinity} if affinity or other.get("affinity") is not None else rest
