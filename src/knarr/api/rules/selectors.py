"""Label selectors and node selectors: operators, and the values they need."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import labels, named
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1123_label, label_value, qualified_name

_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_SET, _EXISTENCE, _ORDER = ("In", "NotIn"), ("Exists", "DoesNotExist"), ("Gt", "Lt")


def _label_selector(selector: JSON, path: str) -> Iterable[FieldError]:
    yield from labels(f"{path}.matchLabels", selector.get("matchLabels"))


def _label_requirement(requirement: JSON, path: str) -> Iterable[FieldError]:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
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
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    yield from _values(path, operator, values)
    if operator in _ORDER and len(values) != 1:
        yield required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    if operator not in _SET + _EXISTENCE + _ORDER:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
    yield from named(f"{path}.key", requirement.get("key") or "", qualified_name)
    for index, value in enumerate(values):
        yield from named(f"{path}.values[{index}]", value, label_value)


def _node_selector(selector: JSON, path: str) -> Iterable[FieldError]:
    if not selector.get("nodeSelectorTerms"):
        yield required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")


def _preferred_node(term: JSON, path: str) -> Iterable[FieldError]:
    if not 1 <= term.get("weight", 0) <= 100:
        yield invalid(f"{path}.weight", term.get("weight", 0), "must be in the range 1-100")


def _affinity_term(term: JSON, path: str) -> Iterable[FieldError]:
    yield from _topology_key(term, path)


def _topology_key(holder: JSON, path: str) -> Iterable[FieldError]:
    key = holder.get("topologyKey") or ""
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    yield from named(f"{path}.topologyKey", key, qualified_name)


def _fields(term: JSON, path: str) -> Iterable[FieldError]:
    """Nodes are selected by their name and by no other field."""
    for index, requirement in enumerate(term["matchFields"]):
        where, operator = f"{path}.matchFields[{index}]", requirement.get("operator")
        if operator in _SET and len(requirement.get("values") or ()) != 1:
            detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            yield required(f"{where}.values", detail)
        elif operator not in _SET:
            yield invalid(f"{where}.operator", operator, "not a valid selector operator")
        if requirement.get("key") != "metadata.name":
            yield invalid(f"{where}.key", requirement.get("key"), "not a valid field selector key")


def _namespaces(term: JSON, path: str) -> Iterable[FieldError]:
    for name in term["namespaces"]:
        yield from named(f"{path}.namespace", name, dns1123_label)


def _label_keys(holder: JSON, path: str) -> Iterable[FieldError]:
    """Labels that the Pod itself fills in are not selected by hand as well (KEP-3243, KEP-3633)."""
    where, selector = f"{path}.matchLabelKeys", holder.get("labelSelector")
    if selector is None:
        yield forbidden(where, "must not be specified when labelSelector is not set")
        return
    chosen = {*(selector.get("matchLabels") or ())}
    chosen |= {requirement.get("key") for requirement in selector.get("matchExpressions") or ()}
    for index, key in enumerate(holder["matchLabelKeys"]):
        yield from named(f"{where}[{index}]", key, qualified_name)
        if key in chosen:
            yield invalid(f"{where}[{index}]", key, "exists in both matchLabelKeys and labelSelector")


def _spreads(spec: JSON, path: str) -> Iterable[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(spec["topologySpreadConstraints"]):
        key, otherwise = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if (key, otherwise) in seen:
            where = f"{path}.topologySpreadConstraints[{index}].{{topologyKey, whenUnsatisfiable}}"
            yield duplicate(where, f"{{{key}, {otherwise}}}")
        seen.add((key, otherwise))


def _spread(constraint: JSON, path: str) -> Iterable[FieldError]:
    """docs: "Pod Topology Spread Constraints"."""
    skew, otherwise = constraint.get("maxSkew"), constraint.get("whenUnsatisfiable")
    domains = constraint.get("minDomains")
    if (skew or 0) <= 0:
        yield invalid(f"{path}.maxSkew", skew or 0, "must be greater than zero")
    yield from _topology_key(constraint, path)
    if otherwise not in _UNSATISFIABLE:
        yield not_supported(f"{path}.whenUnsatisfiable", otherwise or "", _UNSATISFIABLE)
    if domains is not None and domains <= 0:
        yield invalid(f"{path}.minDomains", domains, "must be greater than zero")
    if domains is not None and otherwise != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {otherwise}"
        yield invalid(f"{path}.minDomains", domains, detail)


_META, _CORE = "io.k8s.apimachinery.pkg.apis.meta.v1", "io.k8s.api.core.v1"

RULES = (
    Rules(f"{_META}.LabelSelector", validate=_label_selector),
    Rules(f"{_META}.LabelSelectorRequirement", undemanded=("key", "operator"), validate=_label_requirement),
    Rules(f"{_CORE}.NodeSelector", validate=_node_selector),
    Rules(f"{_CORE}.NodeSelectorRequirement", undemanded=("key", "operator"), validate=_node_requirement),
    Rules(f"{_CORE}.PreferredSchedulingTerm", validate=_preferred_node),
    Rules(f"{_CORE}.WeightedPodAffinityTerm", validate=_preferred_node),
    Rules(f"{_CORE}.PodAffinityTerm", undemanded=("topologyKey",), validate=_affinity_term),
    Rules(f"{_CORE}.PodAffinityTerm", validate=_namespaces, when=frozenset({"namespaces"})),
    Rules(f"{_CORE}.PodAffinityTerm", validate=_label_keys, when=frozenset({"matchLabelKeys"})),
    Rules(f"{_CORE}.NodeSelectorTerm", validate=_fields, when=frozenset({"matchFields"})),
    Rules(
        f"{_CORE}.TopologySpreadConstraint",
        undemanded=("topologyKey", "whenUnsatisfiable"),
        enums={"nodeAffinityPolicy": ("Honor", "Ignore"), "nodeTaintsPolicy": ("Honor", "Ignore")},
        validate=_spread,
    ),
    Rules(f"{_CORE}.TopologySpreadConstraint", validate=_label_keys, when=frozenset({"matchLabelKeys"})),
    Rules(f"{_CORE}.PodSpec", validate=_spreads, when=frozenset({"topologySpreadConstraints"})),
)
