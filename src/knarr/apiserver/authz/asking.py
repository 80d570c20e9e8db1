"""The question of an access review: the request that it is about.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.apiserver.info import RequestInfo
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required
from knarr.machinery.selectors import (
    FieldRequirement,
    FieldSelector,
    LabelSelector,
    Requirement,
    SelectorError,
    from_label_selector,
)

_NAMES = ("group", "version", "resource", "subresource", "namespace", "name")


def asked(spec: JSON) -> tuple[RequestInfo, list[FieldError]]:
    """The question, and what is wrong with it."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        detail = "cannot be specified in combination with resourceAttributes"
        return RequestInfo(""), [invalid("spec.nonResourceAttributes", path, detail)]
    if path is not None:
        return RequestInfo(path.get("verb", ""), path=path.get("path", "")), []
    if resource is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return RequestInfo(""), [invalid("spec.resourceAttributes", None, detail)]
    errors = [error for name in ("fieldSelector", "labelSelector") for error in _check(resource, name)]
    named = {name: resource[name] for name in _NAMES if name in resource}
    selectors = {
        "field_selector": _spelled(resource.get("fieldSelector") or {}, _fields),
        "label_selector": _spelled(resource.get("labelSelector") or {}, _labels),
    }
    return RequestInfo(resource.get("verb", ""), is_resource=True, **selectors, **named), errors


def _spelled(selector: JSON, spell: Callable[[Sequence[JSON]], str]) -> str:
    """As a query spells it."""
    return str(selector.get("rawSelector") or "") or spell(each(selector, "requirements"))


def _fields(requirements: Sequence[JSON]) -> str:
    """What is not about one value cannot be spelled: without it, more is asked for."""
    found = (
        FieldRequirement(requirement.get("key", ""), requirement["values"][0], requirement["operator"] == "In")
        for requirement in requirements
        if requirement.get("operator") in ("In", "NotIn") and len(requirement.get("values") or ()) == 1
    )
    return str(FieldSelector(tuple(found)))


def _labels(requirements: Sequence[JSON]) -> str:
    """What no label selector can say is left out."""
    found: list[Requirement] = []
    for requirement in requirements:
        with suppress(SelectorError):
            found += from_label_selector({"matchExpressions": [requirement]}).requirements
    return str(LabelSelector(tuple(found)))


def _check(resource: JSON, name: str) -> Iterator[FieldError]:
    selector, path = resource.get(name), f"spec.resourceAttributes.{name}"
    if selector is None:
        return
    raw, requirements = selector.get("rawSelector"), each(selector, "requirements")
    if raw and requirements:
        yield invalid(f"{path}.rawSelector", raw, "may not specified at the same time as requirements")
    if not raw and not requirements:
        yield required(f"{path}.requirements", f"when {path} is specified, requirements or rawSelector is required")
    for index, requirement in enumerate(requirements):
        yield from _check_requirement(requirement, f"{path}.requirements[{index}]")


def _check_requirement(requirement: JSON, path: str) -> Iterator[FieldError]:
    operator, values = requirement.get("operator", ""), requirement.get("values")
    if not requirement.get("key"):
        yield required(f"{path}.key", "must be specified")
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield not_supported(f"{path}.operator", operator, ["DoesNotExist", "Exists", "In", "NotIn"])
