"""RBAC: what a rule may say, and to whom a binding may bind."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from knarr.api.checks import member, named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import dns1123_subdomain, path_segment

_RBAC, _GROUP = "io.k8s.api.rbac.v1", "rbac.authorization.k8s.io"


def _policy(rule: JSON, path: str) -> Iterable[FieldError]:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    if rule.get("nonResourceURLs"):
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(f"{path}.nonResourceURLs", rule["nonResourceURLs"], detail)
        return
    if not rule.get("apiGroups"):
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def _role(role: JSON, path: str) -> Iterable[FieldError]:
    """Roles are of a namespace, and URLs are not."""
    for index, rule in enumerate(each(role, "rules")):
        if urls := rule.get("nonResourceURLs"):
            detail = "namespaced rules cannot apply to non-resource URLs"
            yield invalid(f"rules[{index}].nonResourceURLs", urls, detail)


def _aggregation(rule: JSON, path: str) -> Iterable[FieldError]:
    if not rule.get("clusterRoleSelectors"):
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield required(f"{path}.clusterRoleSelectors", detail)


def _default_reference(reference: JSON) -> None:
    reference["apiGroup"] = reference.get("apiGroup") or _GROUP


def _default_subject(subject: JSON) -> None:
    if not subject.get("apiGroup") and subject.get("kind") in ("Group", "User"):
        subject["apiGroup"] = _GROUP


def _subject(subject: JSON, path: str) -> Iterable[FieldError]:
    kind, group = subject.get("kind"), subject.get("apiGroup") or ""
    yield from member(f"{path}.kind", kind or "", ("Group", "ServiceAccount", "User"))
    if kind == "ServiceAccount":
        yield from member(f"{path}.apiGroup", group, ("",))
        if name := subject.get("name"):
            yield from named(f"{path}.name", name, dns1123_subdomain)
    elif kind in ("Group", "User"):
        yield from member(f"{path}.apiGroup", group, (_GROUP,))


def _references(kinds: tuple[str, ...]) -> Callable[[JSON, str], Iterable[FieldError]]:
    def validate(binding: JSON, path: str) -> Iterable[FieldError]:
        reference = binding.get("roleRef") or {}
        yield from member("roleRef.apiGroup", reference.get("apiGroup") or _GROUP, (_GROUP,))
        yield from member("roleRef.kind", reference.get("kind") or "", kinds)
        yield from named("roleRef.name", reference.get("name") or "", path_segment)

    return validate


def _cluster_binding(binding: JSON, path: str) -> Iterable[FieldError]:
    """Outside of namespaces a service account's must be named."""
    yield from _references(("ClusterRole",))(binding, path)
    for index, subject in enumerate(each(binding, "subjects")):
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{index}].namespace")


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    if new.get("roleRef") != old.get("roleRef"):
        yield invalid("roleRef", new.get("roleRef"), "cannot change roleRef")


RULES = (
    Rules(f"{_RBAC}.PolicyRule", validate=_policy),
    Rules(f"{_RBAC}.Role", validate=_role),
    Rules(f"{_RBAC}.AggregationRule", validate=_aggregation),
    Rules(f"{_RBAC}.RoleRef", required=("name",), undemanded=("kind",), default=_default_reference),
    Rules(f"{_RBAC}.Subject", required=("name",), undemanded=("kind",), default=_default_subject, validate=_subject),
    Rules(f"{_RBAC}.RoleBinding", validate=_references(("ClusterRole", "Role")), validate_update=_update),
    Rules(f"{_RBAC}.ClusterRoleBinding", validate=_cluster_binding, validate_update=_update),
)
