"""PodSpec, in Pods and in every template: defaults, and what its parts must agree about."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.amounts import check_amounts
from knarr.api.checks import labels, named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.api.pods.mounts import containers
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1123_subdomain, qualified_name

_CORE = "io.k8s.api.core.v1"
_NAMES = ("nodeName", "priorityClassName", "runtimeClassName", "serviceAccountName")
_SLEEPERS = ("containers", "initContainers")
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def _default(spec: JSON) -> None:
    """The account's older name and its newer one say the same."""
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _validate(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _container_names(spec, path)
    yield from _init_containers(spec, path)
    yield from _sleeping(spec, path)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        yield invalid(f"{path}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        yield forbidden(f"{path}.nodeName", "cannot be set until all schedulingGates have been cleared")


def _restart_rule(rule: JSON, path: str) -> Iterable[FieldError]:
    if rule.get("exitCodes") is None:
        yield required(f"{path}.exitCodes", "must be specified")


def _sleeping(spec: JSON, path: str) -> Iterable[FieldError]:
    """A hook cannot wait for longer than the Pod is given (KEP-3960)."""
    if not any(container.get("lifecycle") for sort in _SLEEPERS for container in spec.get(sort) or ()):
        return
    grace = spec.get("terminationGracePeriodSeconds", 30)
    for where, container in containers(spec, path):
        for name, hook in (container.get("lifecycle") or {}).items():
            sleep = hook.get("sleep") if isinstance(hook, dict) else None
            if sleep is not None and not 0 <= sleep.get("seconds", 0) <= grace:
                detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                yield invalid(f"{where}.lifecycle.{name}.sleep", sleep.get("seconds", 0), detail)


def _container_names(spec: JSON, path: str) -> Iterable[FieldError]:
    """Names are unique across all sorts of containers too; within one sort the schema says it."""
    owners: dict[str, str] = {}
    for where, container in containers(spec, path):
        name, sort = container.get("name", ""), where.rpartition("[")[0]
        if name and owners.setdefault(name, sort) != sort:
            yield duplicate(f"{where}.name", name)


def _init_containers(spec: JSON, path: str) -> Iterable[FieldError]:
    """Only a sidecar (an init container that is always restarted, KEP-753) may have probes and hooks."""
    for index, container in enumerate(each(spec, "initContainers")):
        if container.get("restartPolicy") == "Always":
            continue
        for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(name):
                where = f"{path}.initContainers[{index}].{name}"
                yield forbidden(where, "may not be set for init containers without restartPolicy=Always")


def _toleration(toleration: JSON, path: str) -> Iterable[FieldError]:
    key, operator, effect = (toleration.get(name) or "" for name in ("key", "operator", "effect"))
    if key:
        yield from named(f"{path}.key", key, qualified_name)
    elif operator != "Exists":
        yield invalid(
            f"{path}.operator", operator, 'operator must be Exists when `key` is empty, which means "match all"'
        )
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield invalid(f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator == "Exists" and toleration.get("value"):
        yield invalid(f"{path}.operator", toleration, "value must be empty when `operator` is 'Exists'")
    if operator not in ("", "Equal", "Exists"):
        yield not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect and effect not in _EFFECTS:
        yield not_supported(f"{path}.effect", effect, _EFFECTS)


def _node_labels(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from labels(f"{path}.nodeSelector", spec["nodeSelector"])


def _overhead(spec: JSON, path: str) -> Iterable[FieldError]:
    """What running the Pod itself takes (KEP-688)."""
    yield from check_amounts({"limits": spec["overhead"]}, f"{path}.overhead")


def _gate(gate: JSON, path: str) -> Iterable[FieldError]:
    yield from named(f"{path}.conditionType", gate.get("conditionType") or "", qualified_name)


RULES = (
    Rules(
        f"{_CORE}.PodSpec",
        defaults={
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "terminationGracePeriodSeconds": 30,
            "schedulerName": "default-scheduler",
            "securityContext": {},
        },
        required=("containers",),
        repeated=("affinity", "securityContext", "tolerations", "topologySpreadConstraints"),
        enums={
            "restartPolicy": ("Always", "Never", "OnFailure"),
            "preemptionPolicy": ("Never", "PreemptLowerPriority"),
        },
        names=dict.fromkeys(_NAMES, dns1123_subdomain),
        default=_default,
        validate=_validate,
    ),
    Rules(f"{_CORE}.Toleration", validate=_toleration),
    Rules(
        f"{_CORE}.ContainerRestartRule",
        required=("action",),
        enums={"action": ("Restart", "RestartAllContainers")},
        validate=_restart_rule,
    ),
    Rules(
        f"{_CORE}.ContainerRestartRuleOnExitCodes",
        required=("values",),
        enums={"operator": ("In", "NotIn")},
        sizes={"values": 255},
    ),
    Rules(f"{_CORE}.PodReadinessGate", undemanded=("conditionType",), validate=_gate),
    Rules(f"{_CORE}.PodSpec", validate=_node_labels, when=frozenset({"nodeSelector"})),
    Rules(f"{_CORE}.PodSpec", validate=_overhead, when=frozenset({"overhead"})),
    Rules(f"{_CORE}.PodSchedulingGate", required=("name",), names={"name": qualified_name}),
)
