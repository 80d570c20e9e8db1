"""The evaluators of what counts in a way of its own; all other resources are only counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.api.quota import claims, devices, pods, services
from knarr.api.quota.counts import counted, counter
from knarr.api.quota.evaluator import Evaluator

EVALUATORS: tuple[Evaluator, ...] = (
    pods.EVALUATOR,
    services.EVALUATOR,
    claims.EVALUATOR,
    devices.EVALUATOR,
)

_BY_RESOURCE = {evaluator.resource: evaluator for evaluator in EVALUATORS}
_UNCOUNTED = frozenset({"bindings", "events", "events.events.k8s.io"})


def evaluator_of(resource: str) -> Evaluator | None:
    """What counts objects of a resource (`deployments.apps`); None where they never count."""
    return None if resource in _UNCOUNTED else _BY_RESOURCE.get(resource) or counter(resource)


def evaluators_for(names: Iterable[str]) -> Iterator[Evaluator]:
    """Those that a quota with these entries needs, each once."""
    names = set(names)
    yield from (evaluator for evaluator in EVALUATORS if any(map(evaluator.tracks, names)))
    for resource in sorted({counted(name) for name in names} - {""} - _BY_RESOURCE.keys() - _UNCOUNTED):
        yield counter(resource)
