"""What keeps Pods running: Deployments, ReplicaSets, ReplicationControllers, DaemonSets, StatefulSets.

Their templates are checked by the rules of PodSpec; here is what a template must be to be kept running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import validate_mounts
from knarr.api.rollouts import validate_rolling_update, validate_share
from knarr.api.selection import validate_selection
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required

_APPS, _CORE = "io.k8s.api.apps.v1", "io.k8s.api.core.v1"
_REPLICAS = {"replicas": (0, None), "minReadySeconds": (0, None)}
_Check = Callable[[JSON, str], Iterable[FieldError]]


def _kept_running(kind: str) -> _Check:
    """The selector selects the template, and the template's Pods are meant to run for ever."""

    def validate(spec: JSON, path: str) -> Iterable[FieldError]:
        noun = "deployment" if kind == "ReplicaSet" else kind.lower()  # upstream's wording
        yield from validate_selection(spec, path, f"empty selector is invalid for {noun}")
        pod, where = dig(spec, "template.spec", {}), f"{path}.template.spec"
        if kind == "ReplicaSet" and not spec.get("template"):  # which only its schema says may be left out
            yield required(f"{where}.containers")
        if pod.get("restartPolicy", "Always") != "Always":
            yield not_supported(f"{where}.restartPolicy", pod["restartPolicy"], ("Always",))
        claims = [dig(claim, "metadata.name", "") for claim in each(spec, "volumeClaimTemplates")]
        yield from validate_mounts(pod, where, besides=claims)
        if pod.get("activeDeadlineSeconds") is not None:
            yield forbidden(f"{where}.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported")

    return validate


def _deployment(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _kept_running("Deployment")(spec, path)
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if deadline is not None and deadline <= ready:
        yield invalid(f"{path}.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _deployment_strategy(strategy: JSON) -> None:
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def _validate_strategy(strategy: JSON, path: str) -> Iterable[FieldError]:
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if kind not in ("Recreate", "RollingUpdate"):
        yield not_supported(path, strategy, ("Recreate", "RollingUpdate"))
    if kind == "Recreate" and rolling is not None:
        yield forbidden(where, "may not be specified when strategy `type` is 'Recreate'")
    elif rolling is not None:
        yield from validate_rolling_update(rolling, where)


def _stateful(spec: JSON, path: str) -> Iterable[FieldError]:
    if (policy := spec.get("podManagementPolicy")) not in ("OrderedReady", "Parallel"):
        yield invalid(f"{path}.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    yield from _kept_running("StatefulSet")(spec, path)


def _daemon_strategy(strategy: JSON) -> None:
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)


def _validate_daemon_strategy(strategy: JSON, path: str) -> Iterable[FieldError]:
    """A node's Pod goes before its successor comes, or after; not both ways, and not neither."""
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if kind not in ("OnDelete", "RollingUpdate"):
        yield not_supported(path, strategy, ("RollingUpdate", "OnDelete"), in_order=True)
    if kind != "RollingUpdate" or rolling is None:
        return
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    yield from validate_share(f"{where}.maxUnavailable", unavailable)
    yield from validate_share(f"{where}.maxSurge", surge)
    if unavailable not in _NONE and surge not in _NONE:
        yield invalid(f"{where}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    elif unavailable in _NONE and surge in _NONE:
        yield required(f"{where}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def _validate_stateful_strategy(strategy: JSON, path: str) -> Iterable[FieldError]:
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if kind not in ("OnDelete", "RollingUpdate"):
        yield invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
    elif kind == "OnDelete" and rolling is not None:
        yield invalid(where, rolling, "only allowed for updateStrategy 'RollingUpdate'")
    elif rolling is not None and (most := rolling.get("maxUnavailable")) is not None:
        yield from validate_share(f"{where}.maxUnavailable", most)
        if most in _NONE:
            yield invalid(f"{where}.maxUnavailable", most, "cannot be 0")


def _stateful_strategy(strategy: JSON) -> None:
    if strategy.get("type") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)


def _default_controller(controller: JSON) -> None:
    """A ReplicationController takes labels and selector from its template."""
    labels, spec = dig(controller, "spec.template.metadata.labels"), controller.get("spec")
    if labels and spec is not None:
        spec["selector"] = spec.get("selector") or dict(labels)
        metadata = controller.setdefault("metadata", {})
        metadata["labels"] = metadata.get("labels") or dict(labels)


_NONE = (0, "0%")
_MUTABLE_STATEFUL = (
    *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
    *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
)


def _default_claims(spec: JSON) -> None:
    """Templates of claims are claims, whole."""
    for claim in each(spec, "volumeClaimTemplates"):
        claim |= {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
        claim["status"] = {"phase": "Pending", **(claim.get("status") or {})}


def _stateful_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    fixed = [{key: value for key, value in spec.items() if key not in _MUTABLE_STATEFUL} for spec in (new, old)]
    if fixed[0] != fixed[1]:
        listed = ", ".join(f"'{name}'" for name in _MUTABLE_STATEFUL[:-1])
        detail = (
            f"updates to statefulset spec for fields other than {listed} and '{_MUTABLE_STATEFUL[-1]}' are forbidden"
        )
        yield forbidden(path, detail)


RULES = (
    Rules(
        f"{_APPS}.DeploymentSpec",
        defaults={
            "replicas": 1,
            "strategy": {},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
        bounds=_REPLICAS | {"revisionHistoryLimit": (0, None), "progressDeadlineSeconds": (0, None)},
        validate=_deployment,
        immutable=("selector",),
    ),
    Rules(
        f"{_APPS}.DeploymentStrategy",
        defaults={"type": "RollingUpdate"},
        default=_deployment_strategy,
        validate=_validate_strategy,
    ),
    Rules(
        f"{_APPS}.ReplicaSetSpec",
        defaults={"replicas": 1},
        bounds=_REPLICAS,
        validate=_kept_running("ReplicaSet"),
        immutable=("selector",),
    ),
    Rules(f"{_CORE}.ReplicationController", default=_default_controller),
    Rules(
        f"{_CORE}.ReplicationControllerSpec",
        defaults={"replicas": 1},
        required=("selector", "template"),
        bounds=_REPLICAS,
        validate=_kept_running("ReplicationController"),
    ),
    Rules(
        f"{_APPS}.DaemonSetSpec",
        defaults={"updateStrategy": {}, "revisionHistoryLimit": 10},
        bounds={"minReadySeconds": (0, None), "revisionHistoryLimit": (0, None)},
        validate=_kept_running("DaemonSet"),
        immutable=("selector",),
    ),
    Rules(
        f"{_APPS}.DaemonSetUpdateStrategy",
        defaults={"type": "RollingUpdate"},
        default=_daemon_strategy,
        validate=_validate_daemon_strategy,
    ),
    Rules(
        f"{_APPS}.StatefulSetSpec",
        defaults={
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {},
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": {},
        },
        default=_default_claims,
        bounds=_REPLICAS,
        validate=_stateful,
        validate_update=_stateful_update,
    ),
    Rules(
        f"{_APPS}.StatefulSetUpdateStrategy",
        defaults={"type": "RollingUpdate"},
        default=_stateful_strategy,
        validate=_validate_stateful_strategy,
    ),
    Rules(f"{_APPS}.RollingUpdateStatefulSetStrategy", bounds={"partition": (0, None)}),
    Rules(f"{_APPS}.StatefulSetOrdinals", bounds={"start": (0, None)}),
    Rules(
        f"{_APPS}.ControllerRevision",
        demands={"data": "data is mandatory"},
        undemanded=("revision",),
        bounds={"revision": (0, None)},
    ),
    Rules(
        f"{_APPS}.StatefulSetPersistentVolumeClaimRetentionPolicy",
        defaults={"whenDeleted": "Retain", "whenScaled": "Retain"},
        enums={"whenDeleted": ("Delete", "Retain"), "whenScaled": ("Delete", "Retain")},
    ),
)
