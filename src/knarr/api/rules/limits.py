"""LimitRanges and ResourceQuotas: bounds that agree with each other.

https://kubernetes.io/docs/concepts/policy/limit-range/, https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import distinct, named, unchanged
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, required
from knarr.machinery.names import qualified_name
from knarr.machinery.quantity import parse

_CORE = "io.k8s.api.core.v1"
_SCOPES = (
    *("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"),
    "VolumeAttributesClass",
)
_CLASSLESS = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "Terminating")
_NO_CLASSES = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_COUNTED = frozenset(
    {
        *("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets"),
        *("services", "services.loadbalancers", "services.nodeports"),
    }
)
_OF_PODS = frozenset({"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"})
_MEASURED = _OF_PODS | {
    *("ephemeral-storage", "limits.ephemeral-storage", "requests.ephemeral-storage", "requests.storage"),
}
_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
_OPPOSED = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_ORDER = (  # a field, what is not above another's, the field at fault, and their names
    ("min", "max", "min", "min value", "max value"),
    ("min", "defaultRequest", "defaultRequest", "min value", "default request value"),
    ("defaultRequest", "max", "defaultRequest", "default request value", "max value"),
    ("defaultRequest", "default", "defaultRequest", "default request value", "default limit value"),
    ("min", "default", "default", "min value", "default value"),
    ("default", "max", "default", "default value", "max value"),
)


def _types(spec: JSON, path: str) -> Iterable[FieldError]:
    seen: set[str] = set()
    for index, item in enumerate(each(spec, "limits")):
        kind = item.get("type")
        if kind in seen:
            yield duplicate(f"{path}.limits[{index}].type", kind)
        seen.add(kind)


def _limit(item: JSON, path: str) -> Iterable[FieldError]:
    if kind := item.get("type"):
        yield from named(f"{path}.type", kind, qualified_name)
        if "/" not in kind and kind not in _TYPES:
            yield invalid(f"{path}.type", kind, "must be a standard limit type or fully qualified")
    if item.get("type") == "Pod":
        for field in ("default", "defaultRequest"):
            if item.get(field):
                yield forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
    if item.get("type") == "PersistentVolumeClaim" and not _bounds_storage(item):
        yield required(path, "either minimum or maximum storage value is required, but neither was provided")
    for low, high, fault, lower, upper in _ORDER:
        yield from _ordered(item, path, (low, high, fault), (lower, upper))
    for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        if parse(ratio) < parse(1):
            yield invalid(f"{path}.maxLimitRequestRatio[{name}]", ratio, f"ratio {ratio} is less than 1")


def _bounds_storage(item: JSON) -> bool:
    return any("storage" in (item.get(side) or {}) for side in ("min", "max"))


def _ordered(item: JSON, path: str, fields: tuple[str, str, str], nouns: tuple[str, str]) -> Iterable[FieldError]:
    low, high, fault = fields
    lower, upper = item.get(low) or {}, item.get(high) or {}
    for name in sorted(lower.keys() & upper.keys()):
        if parse(lower[name]) > parse(upper[name]):
            detail = f"{nouns[0]} {lower[name]} is greater than {nouns[1]} {upper[name]}"
            yield invalid(f"{path}.{fault}[{name}]", item[fault][name], detail)


def _quota(spec: JSON, path: str) -> Iterable[FieldError]:
    for name, amount in (spec.get("hard") or {}).items():
        yield from _hard(f"{path}.hard[{name}]", name, amount)
    scopes = each(spec, "scopes")
    if any(scope not in _SCOPES for scope in scopes):
        yield invalid(f"{path}.scopes", scopes, "unsupported scope")
    if any(pair <= set(scopes) for pair in _OPPOSED):
        yield invalid(f"{path}.scopes", scopes, "conflicting scopes")
    yield from distinct(f"{path}.scopes", scopes)
    if any(_is_standard(name) and not _is_counted(scope, name) for scope in scopes for name in spec.get("hard") or {}):
        yield invalid(f"{path}.scopes", scopes, "unsupported scope applied to resource")


def _hard(path: str, name: str, amount: str) -> Iterable[FieldError]:
    yield from named(path, name, qualified_name)
    if "/" not in name and not _is_standard(name):
        yield invalid(path, name, "must be a standard resource for quota")
    elif name in _COUNTED and parse(amount).milli % 1000:
        yield invalid(path, amount, "must be an integer")


def _is_standard(name: str) -> bool:
    return name in _COUNTED or name in _MEASURED or name.startswith(("hugepages-", "requests.hugepages-"))


def _is_counted(scope: str, name: str) -> bool:
    """Whether a scope, which is about Pods or claims, says anything of a resource."""
    match scope:
        case "BestEffort":
            return name == "pods"
        case "VolumeAttributesClass":
            return name in ("persistentvolumeclaims", "requests.storage")
    return name in ("pods", *_OF_PODS) or scope not in _SCOPES


def _quota_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """What is counted stays; how much may be is what changes."""
    yield from unchanged(f"{path}.scopes", sorted(each(new, "scopes")), sorted(each(old, "scopes")))


def _selector(requirement: JSON, path: str) -> Iterable[FieldError]:
    operator, values = requirement.get("operator"), each(requirement, "values")
    if requirement.get("scopeName") not in _SCOPES:
        yield invalid(f"{path}.scopeName", requirement.get("scopeName"), "unsupported scope")
    if operator in ("In", "NotIn") and not values:
        detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        yield required(f"{path}.values", detail)
    elif operator in ("Exists", "DoesNotExist") and values:
        detail = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"
        yield invalid(f"{path}.values", values, detail)
    if requirement.get("scopeName") in _CLASSLESS and operator != "Exists":
        yield invalid(f"{path}.operator", operator, _NO_CLASSES)
    elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")


RULES = (
    Rules(f"{_CORE}.LimitRangeSpec", validate=_types),
    Rules(f"{_CORE}.LimitRangeItem", validate=_limit),
    Rules(f"{_CORE}.ResourceQuotaSpec", bounds={"hard": (0, None)}, validate=_quota, validate_update=_quota_update),
    Rules(f"{_CORE}.ScopedResourceSelectorRequirement", undemanded=("scopeName", "operator"), validate=_selector),
)
