"""PodSecurity: Pods keep to the standard that their namespace's labels name, or are refused, warned of, audited.

https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.podsecurity.check import Violation
from knarr.api.podsecurity.policies import PREFIX, Policy, Standard, policy_of
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.machinery.errors import Invalid

MOST_PODS = 3000  # of a namespace, that are looked at when its labels change
_TEMPLATES = {
    "podtemplates": "template",
    "replicationcontrollers": "spec.template",
    "replicasets.apps": "spec.template",
    "deployments.apps": "spec.template",
    "daemonsets.apps": "spec.template",
    "statefulsets.apps": "spec.template",
    "jobs.batch": "spec.template",
    "cronjobs.batch": "spec.jobTemplate.spec.template",
}
_HARMLESS = frozenset({"binding", "eviction", "status"})  # subresources of Pods that change nothing that is checked
_SECCOMP_POD, _SECCOMP = "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/"


def validate(attributes: Attributes) -> None:
    resource = attributes.kind.qualified_resource
    if resource == "namespaces":
        if not attributes.subresource:
            _check_namespace(attributes)
    elif resource == "pods":
        if attributes.subresource not in _HARMLESS:
            _check_pod(attributes)
    elif not attributes.subresource and (template := dig(attributes.object, _TEMPLATES[resource])):
        policy = _policy(attributes)
        _report(attributes, policy, template.get("metadata") or {}, template.get("spec") or {})


def _check_pod(attributes: Attributes) -> None:
    policy, pod = _policy(attributes), attributes.object
    if policy == Policy() or pod is None:
        return
    if attributes.old is not None and not _changes_significantly(pod, attributes.old):
        return
    attributes.annotations[f"{PREFIX}enforce-policy"] = str(policy.enforce)
    if found := policy.enforce.violations(pod["metadata"], pod["spec"]):
        raise attributes.forbidden(f'violates PodSecurity "{policy.enforce}": {_listed(found)}')
    _report(attributes, policy, pod["metadata"], pod["spec"], kept=policy.enforce)


def _policy(attributes: Attributes) -> Policy:
    policy, errors = policy_of(attributes.lister.labels("", "namespaces", "", attributes.namespace))
    if errors:
        attributes.annotations[f"{PREFIX}error"] = f"Failed to parse policy: {'; '.join(map(str, errors))}"
    return policy


def _report(attributes: Attributes, policy: Policy, metadata: JSON, spec: JSON, kept: Standard | None = None) -> None:
    """What is allowed, but should not be: to the audit log and to the client. It is known to keep to `kept`."""
    if policy.audit != kept and (found := policy.audit.violations(metadata, spec)):
        text = f'would violate PodSecurity "{policy.audit}": {_listed(found)}'
        attributes.annotations[f"{PREFIX}audit-violations"] = text
    if policy.warn != kept and (found := policy.warn.violations(metadata, spec)):
        attributes.warnings.append(f'would violate PodSecurity "{policy.warn}": {_listed(found)}')


def _listed(found: Iterable[Violation]) -> str:
    return ", ".join(map(str, found))


def _changes_significantly(new: JSON, old: JSON) -> bool:
    """Whether an update changes what is checked: images, containers, the seccomp annotations of old."""
    return list(_significant(new)) != list(_significant(old))


def _significant(pod: JSON) -> Iterator[object]:
    annotations = pod["metadata"].get("annotations") or {}
    yield annotations.get(_SECCOMP_POD)
    for sort in ("containers", "initContainers", "ephemeralContainers"):
        containers = each(pod, f"spec.{sort}")
        yield [(c.get("name"), c.get("image"), annotations.get(f"{_SECCOMP}{c.get('name')}")) for c in containers]


def _check_namespace(attributes: Attributes) -> None:
    policy, errors = policy_of(dig(attributes.object, "metadata.labels"))
    before, known = policy_of(dig(attributes.old, "metadata.labels"))
    if errors and errors != known:
        raise Invalid.of("", "Namespace", attributes.name, errors)
    enforced, previous = policy.enforce, before.enforce
    relaxed = enforced.version == previous.version and enforced.strictness <= previous.strictness
    if attributes.old is not None and enforced.level != "privileged" and not relaxed:
        attributes.warnings.extend(_existing(attributes, enforced))


def _existing(attributes: Attributes, standard: Standard) -> Iterator[str]:
    """Warnings of the Pods that would not be let in any more, those alike in one."""
    pods = list(attributes.lister.list("", "pods", attributes.name))
    alike: dict[str, list[str]] = {}
    for pod in pods[:MOST_PODS]:
        if found := standard.violations(pod["metadata"], pod["spec"]):
            alike.setdefault(", ".join(v.reason for v in found), []).append(pod["metadata"]["name"])
    if len(pods) > MOST_PODS:
        counts = f"the first {MOST_PODS} of {len(pods)} existing pods"
        yield f"new PodSecurity enforce level only checked against {counts}"
    if alike:
        name = attributes.name
        yield f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{standard}"'
    yield from sorted(f"{min(names)}{_others(len(names) - 1)}: {reasons}" for reasons, names in alike.items())


def _others(number: int) -> str:
    return f" (and {number} other pod{'s' if number > 1 else ''})" if number else ""


PLUGIN = Plugin("PodSecurity", validate=validate, resources=("namespaces", "pods", *_TEMPLATES), subresources=True)
