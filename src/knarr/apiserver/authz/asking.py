"""The question of an access review: the request that it is about.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.apiserver.authz.selecting import spelled_fields, spelled_labels
from knarr.apiserver.info import RequestInfo
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required

_NAMES = ("group", "version", "resource", "subresource", "namespace", "name")
_SELECTORS = {"fieldSelector": spelled_fields, "labelSelector": spelled_labels}


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
    errors = [error for name in _SELECTORS for error in _check(resource, name)]
    named = {name: resource[name] for name in _NAMES if name in resource}
    fields, labels = (spelled(resource.get(name) or {}).text for name, spelled in _SELECTORS.items())
    verb = resource.get("verb", "")
    return RequestInfo(verb, is_resource=True, field_selector=fields, label_selector=labels, **named), errors


def ignored(spec: JSON) -> list[str]:
    """What of the selectors cannot be understood, and was not asked about."""
    resource = spec.get("resourceAttributes") or {}
    lost = {name: spelled(resource.get(name) or {}).lost for name, spelled in _SELECTORS.items()}
    return [f"spec.resourceAttributes.{name} {how} due to parse error" for name, how in lost.items() if how]


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
