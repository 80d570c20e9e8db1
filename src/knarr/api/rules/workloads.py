"""What keeps Pods running: Deployments, ReplicaSets, ReplicationControllers, DaemonSets, StatefulSets.

Their templates are checked by the rules of PodSpec; here is what a template must be to be kept running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import validate_mounts
from knarr.api.rollouts import validate_rolling_update
from knarr.api.selection import validate_selection
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported

_APPS, _CORE = "io.k8s.api.apps.v1", "io.k8s.api.core.v1"
_REPLICAS = {"replicas": (0, None), "minReadySeconds": (0, None)}
_Check = Callable[[JSON, str], Iterable[FieldError]]


def _kept_running(kind: str) -> _Check:
    """The selector selects the template, and the template's Pods are meant to run for ever."""

    def validate(spec: JSON, path: str) -> Iterable[FieldError]:
        noun = "deployment" if kind == "ReplicaSet" else kind.lower()  # upstream's wording
        yield from validate_selection(spec, path, f"empty selector is invalid for {noun}")
        pod, where = dig(spec, "template.spec", {}), f"{path}.template.spec"
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
    rolling, where = strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if strategy.get("type") == "Recreate" and rolling is not None:
        yield forbidden(where, "may not be specified when strategy `type` is 'Recreate'")
    elif rolling is not None:
        yield from validate_rolling_update(rolling, where)


def _daemon_strategy(strategy: JSON) -> None:
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)


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


_MUTABLE_STATEFUL = (
    *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
    *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
)


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
        enums={"type": ("Recreate", "RollingUpdate")},
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
        enums={"type": ("OnDelete", "RollingUpdate")},
        default=_daemon_strategy,
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
        enums={"podManagementPolicy": ("OrderedReady", "Parallel")},
        bounds=_REPLICAS | {"revisionHistoryLimit": (0, None)},
        validate=_kept_running("StatefulSet"),
        validate_update=_stateful_update,
    ),
    Rules(
        f"{_APPS}.StatefulSetUpdateStrategy",
        defaults={"type": "RollingUpdate"},
        enums={"type": ("OnDelete", "RollingUpdate")},
        default=_stateful_strategy,
    ),
    Rules(
        f"{_APPS}.StatefulSetPersistentVolumeClaimRetentionPolicy",
        defaults={"whenDeleted": "Retain", "whenScaled": "Retain"},
        enums={"whenDeleted": ("Delete", "Retain"), "whenScaled": ("Delete", "Retain")},
    ),
)
