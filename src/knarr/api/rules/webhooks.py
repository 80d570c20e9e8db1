"""Webhooks of admission: which requests they are for, and how they are called.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import member
from knarr.api.kind import JSON, Rules
from knarr.api.webhooks import HTTPS, client_config, review_versions, rule_with_operations
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import dns1123_subdomain

_V1 = "io.k8s.api.admissionregistration.v1"
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
    if conditions := hook.get("matchConditions"):
        from knarr.api.expressions import match_conditions  # the language is loaded with the first of them

        yield from match_conditions(f"{path}.matchConditions", conditions)


def _full_name(path: str, name: str) -> Iterable[FieldError]:
    if not name:
        return
    if messages := dns1123_subdomain(name):
        yield invalid(path, name, ",".join(messages))
    elif name.count(".") < 2:
        yield invalid(path, name, "should be a domain with at least three segments separated by dots")


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
