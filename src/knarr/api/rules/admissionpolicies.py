"""Admission policies: what they match, what they evaluate, and what binds them.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import distinct, named
from knarr.api.kind import JSON, Rules
from knarr.api.policies import changeable
from knarr.api.webhooks import rule_with_operations
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1035_label, dns1123_subdomain, path_segment

_V1 = "io.k8s.api.admissionregistration.v1"
_ACTIONS = ("Audit", "Deny", "Warn")


def _validating(spec: JSON, path: str) -> Iterable[FieldError]:
    from knarr.api.policychecks import validating_policy  # the language is loaded with the first policy

    return validating_policy(spec, path)


def _mutating(spec: JSON, path: str) -> Iterable[FieldError]:
    from knarr.api.policychecks import mutating_policy

    return mutating_policy(spec, path)


def _param_kind(kind: JSON, path: str) -> Iterable[FieldError]:
    given, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    group, _, version = given.rpartition("/")
    if not given:
        yield required(f"{path}.apiVersion")
    elif "/" in group:
        yield invalid(f"{path}.apiVersion", given, f"unexpected GroupVersion string: {given}")
    else:
        for part, rule in ((group, dns1123_subdomain), (version, dns1035_label)):
            if part and (messages := rule(part)):
                yield invalid(f"{path}.apiVersion", part, ",".join(messages))
        if not version:
            yield invalid(f"{path}.apiVersion", given, "version must be specified")
    if not name:
        yield required(f"{path}.kind")
    elif messages := dns1035_label(name.lower()):
        detail = f"may have mixed case, but should otherwise match: {','.join(messages)}"
        yield invalid(f"{path}.kind", name, detail)


def _named_rule(rule: JSON, path: str) -> Iterable[FieldError]:
    names = rule.get("resourceNames") or ()
    for index, name in enumerate(names):
        yield from named(f"{path}.resourceNames[{index}]", name, path_segment)
    yield from distinct(f"{path}.resourceNames", names)
    yield from rule_with_operations(rule, path)


def _param_ref(ref: JSON, path: str) -> Iterable[FieldError]:
    exclusive = "name and selector are mutually exclusive"
    name, selector = ref.get("name") or "", ref.get("selector")
    if name:
        yield from named(f"{path}.name", name, path_segment)
        if selector is not None:
            yield forbidden(f"{path}.name", exclusive)
            yield forbidden(f"{path}.selector", exclusive)
    elif selector is None:
        yield required(path, "one of name or selector must be specified")


def _binding(spec: JSON, path: str) -> Iterable[FieldError]:
    name = spec.get("policyName") or ""
    yield from named(f"{path}.policyName", name, dns1123_subdomain) if name else [required(f"{path}.policyName")]


def _mutating_binding(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _binding(spec, path)
    yield from changeable(spec.get("matchResources") or {}, f"{path}.matchResources")


def _validating_binding(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _binding(spec, path)
    actions = spec.get("validationActions") or ()
    at = f"{path}.validationActions"
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            yield not_supported(f"{at}[{index}]", action, _ACTIONS)
    yield from distinct(at, actions)
    if {"Deny", "Warn"} <= set(actions):
        why = "repeating the same validation failure information in the API response and headers serves no purpose"
        yield invalid(at, list(actions), f"must not contain both Deny and Warn ({why})")
    if not actions:
        yield required(at, "at least one validation action is required")


RULES = (
    Rules(
        f"{_V1}.ValidatingAdmissionPolicySpec",
        defaults={"failurePolicy": "Fail"},
        enums={"failurePolicy": ("Fail", "Ignore")},
        validate=_validating,
    ),
    Rules(
        f"{_V1}.MutatingAdmissionPolicySpec",
        defaults={"failurePolicy": "Fail"},
        required=("reinvocationPolicy",),
        enums={"failurePolicy": ("Fail", "Ignore"), "reinvocationPolicy": ("IfNeeded", "Never")},
        validate=_mutating,
    ),
    Rules(f"{_V1}.ValidatingAdmissionPolicyBindingSpec", validate=_validating_binding),
    Rules(f"{_V1}.MutatingAdmissionPolicyBindingSpec", validate=_mutating_binding),
    Rules(
        f"{_V1}.MatchResources",
        defaults={"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}},
        enums={"matchPolicy": ("Equivalent", "Exact")},
    ),
    Rules(f"{_V1}.NamedRuleWithOperations", defaults={"scope": "*"}, validate=_named_rule),
    Rules(f"{_V1}.ParamKind", validate=_param_kind),
    Rules(
        f"{_V1}.ParamRef",
        required=("parameterNotFoundAction",),
        enums={"parameterNotFoundAction": ("Allow", "Deny")},
        validate=_param_ref,
    ),
)
