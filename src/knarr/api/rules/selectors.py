"""Label selectors and node selectors: operators, and the values they need."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import labels, named
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required
from knarr.machinery.names import label_value, qualified_name

_SET, _EXISTENCE, _ORDER = ("In", "NotIn"), ("Exists", "DoesNotExist"), ("Gt", "Lt")


def _label_selector(selector: JSON, path: str) -> Iterable[FieldError]:
    yield from labels(f"{path}.matchLabels", selector.get("matchLabels"))


def _label_requirement(requirement: JSON, path: str) -> Iterable[FieldError]:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    yield from _values(path, operator, values)
    if operator not in _SET + _EXISTENCE:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    yield from named(f"{path}.key", requirement.get("key") or "", qualified_name)
    for index, value in enumerate(values):
        yield from named(f"{path}.values[{index}]", value, label_value)


def _values(path: str, operator: str | None, values: list[str]) -> Iterable[FieldError]:
    if operator in _SET and not values:
        yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    if operator in _EXISTENCE and values:
        yield forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")


def _node_requirement(requirement: JSON, path: str) -> Iterable[FieldError]:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    yield from _values(path, operator, values)
    if operator in _ORDER and len(values) != 1:
        yield required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    if operator not in _SET + _EXISTENCE + _ORDER:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    yield from named(f"{path}.key", requirement.get("key") or "", qualified_name)


def _node_selector(selector: JSON, path: str) -> Iterable[FieldError]:
    if not selector.get("nodeSelectorTerms"):
        yield required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")


def _preferred_node(term: JSON, path: str) -> Iterable[FieldError]:
    if not 1 <= term.get("weight", 0) <= 100:
        yield invalid(f"{path}.weight", term.get("weight", 0), "must be in the range 1-100")


def _affinity_term(term: JSON, path: str) -> Iterable[FieldError]:
    key = term.get("topologyKey")
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    else:
        yield from named(f"{path}.topologyKey", key, qualified_name)


def _spread(constraint: JSON, path: str) -> Iterable[FieldError]:
    """docs: "Pod Topology Spread Constraints"."""
    if constraint.get("maxSkew", 0) <= 0:
        yield invalid(f"{path}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
    if not constraint.get("topologyKey"):
        yield required(f"{path}.topologyKey", "can not be empty")
    if constraint.get("whenUnsatisfiable") not in ("DoNotSchedule", "ScheduleAnyway"):
        yield not_supported(
            f"{path}.whenUnsatisfiable", constraint.get("whenUnsatisfiable"), ("DoNotSchedule", "ScheduleAnyway")
        )


_META, _CORE = "io.k8s.apimachinery.pkg.apis.meta.v1", "io.k8s.api.core.v1"

RULES = (
    Rules(f"{_META}.LabelSelector", validate=_label_selector),
    Rules(f"{_META}.LabelSelectorRequirement", validate=_label_requirement),
    Rules(f"{_CORE}.NodeSelector", validate=_node_selector),
    Rules(f"{_CORE}.NodeSelectorRequirement", validate=_node_requirement),
    Rules(f"{_CORE}.PreferredSchedulingTerm", validate=_preferred_node),
    Rules(f"{_CORE}.WeightedPodAffinityTerm", validate=_preferred_node),
    Rules(f"{_CORE}.PodAffinityTerm", validate=_affinity_term),
    Rules(f"{_CORE}.TopologySpreadConstraint", validate=_spread),
)
