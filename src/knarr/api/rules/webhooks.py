"""Webhooks of admission: which requests they are for, and how they are called.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from knarr.api.checks import member
from knarr.api.kind import JSON, Rules
from knarr.api.webhooks import HTTPS, client_config, review_versions
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required
from knarr.machinery.names import dns1123_subdomain

_V1 = "io.k8s.api.admissionregistration.v1"
_OPERATIONS, _SCOPES = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE"), ("*", "Cluster", "Namespaced")
_HARMLESS = ("None", "NoneOnDryRun")  # the side effects that v1 allows
_ENUMS = {"failurePolicy": ("Fail", "Ignore"), "matchPolicy": ("Equivalent", "Exact")}
_DEFAULTS = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}
_MOST_SECONDS = 30


def _webhook(hook: JSON, path: str) -> Iterable[FieldError]:
    yield from _full_name(f"{path}.name", hook.get("name") or "")
    if versions := hook.get("admissionReviewVersions"):
        yield from review_versions(f"{path}.admissionReviewVersions", versions)
    if effects := hook.get("sideEffects"):
        yield from member(f"{path}.sideEffects", effects, _HARMLESS)
    seconds = hook.get("timeoutSeconds", 1)
    if not 1 <= seconds <= _MOST_SECONDS:
        detail = f"the timeout value must be between 1 and {_MOST_SECONDS} seconds"
        yield invalid(f"{path}.timeoutSeconds", seconds, detail)
    yield from client_config(f"{path}.clientConfig", hook.get("clientConfig") or {})


def _full_name(path: str, name: str) -> Iterable[FieldError]:
    if not name:
        return
    if messages := dns1123_subdomain(name):
        yield invalid(path, name, ",".join(messages))
    elif name.count(".") < 2:
        yield invalid(path, name, "should be a domain with at least three segments separated by dots")


def rule_with_operations(rule: JSON, path: str) -> Iterable[FieldError]:
    """Operations and resources, where `*` stands by itself."""
    yield from _listed(f"{path}.operations", rule.get("operations") or (), "operations")
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            yield not_supported(f"{path}.operations[{index}]", operation, _OPERATIONS)
    yield from _listed(f"{path}.apiGroups", rule.get("apiGroups") or (), "API groups")
    yield from _listed(f"{path}.apiVersions", rule.get("apiVersions") or (), "API versions")
    yield from _filled(f"{path}.apiVersions", rule.get("apiVersions") or ())
    yield from _resources(f"{path}.resources", rule.get("resources") or ())
    yield from member(f"{path}.scope", rule.get("scope", "*"), _SCOPES)


def _listed(path: str, values: Sequence[str], nouns: str) -> Iterable[FieldError]:
    if not values:
        yield required(path)
    elif len(values) > 1 and "*" in values:
        yield invalid(path, list(values), f"if '*' is present, must not specify other {nouns}")


def _filled(path: str, values: Sequence[str]) -> Iterable[FieldError]:
    return (required(f"{path}[{index}]") for index, value in enumerate(values) if not value)


def _resources(path: str, resources: Sequence[str]) -> Iterable[FieldError]:
    if not resources:
        yield required(path)
    yield from _filled(path, resources)
    for index, given in enumerate(resources):
        resource, slash, subresource = given.partition("/")
        for wildcard in (f"{resource}/*", f"*/{subresource}"):
            if slash and wildcard in resources[:index]:
                detail = f"if '{wildcard}' is present, must not specify {given}"
                yield invalid(f"{path}[{index}]", given, detail)
    if len(resources) > 1 and "*/*" in resources:
        yield invalid(path, list(resources), "if '*/*' is present, must not specify other resources")
    if "*" in resources and any(given != "*" and "/" not in given for given in resources):
        detail = "if '*' is present, must not specify other resources without subresources"
        yield invalid(path, list(resources), detail)


RULES = (
    Rules(
        f"{_V1}.MutatingWebhook",
        defaults={**_DEFAULTS, "reinvocationPolicy": "Never"},
        required=("admissionReviewVersions",),
        enums={**_ENUMS, "reinvocationPolicy": ("IfNeeded", "Never")},
        validate=_webhook,
    ),
    Rules(
        f"{_V1}.ValidatingWebhook",
        defaults=_DEFAULTS,
        required=("admissionReviewVersions",),
        enums=_ENUMS,
        validate=_webhook,
    ),
    Rules(f"{_V1}.RuleWithOperations", defaults={"scope": "*"}, validate=rule_with_operations),
    Rules(f"{_V1}.ServiceReference", defaults={"port": HTTPS}),
)
