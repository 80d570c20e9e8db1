"""How far the server's start has come, under the names of upstream's post-start hooks: monitoring asks for them one by
one. What has no counterpart here has no name either.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from knarr.apiserver.health import Check


class Stage(Enum):
    """What a hook's work is here."""

    LOADED = auto()  # the watch cache is whole; definitions and flow schemas are read from it
    FOUNDED = auto()  # the objects are there that every cluster begins with
    REGISTERED = auto()  # what is served is listed as APIServices


_STAGES: Mapping[str, Stage] = {
    "poststarthook/start-apiserver-admission-initializer": Stage.LOADED,
    "poststarthook/generic-apiserver-start-informers": Stage.LOADED,
    "poststarthook/priority-and-fairness-config-consumer": Stage.LOADED,
    "poststarthook/priority-and-fairness-filter": Stage.LOADED,
    "poststarthook/storage-object-count-tracker-hook": Stage.LOADED,
    "poststarthook/storage-readiness": Stage.LOADED,
    "poststarthook/start-apiextensions-informers": Stage.LOADED,
    "poststarthook/start-apiextensions-controllers": Stage.LOADED,
    "poststarthook/crd-informer-synced": Stage.LOADED,
    "poststarthook/start-system-namespaces-controller": Stage.FOUNDED,
    "poststarthook/start-cluster-authentication-info-controller": Stage.FOUNDED,
    "poststarthook/rbac/bootstrap-roles": Stage.FOUNDED,
    "poststarthook/scheduling/bootstrap-system-priority-classes": Stage.FOUNDED,
    "poststarthook/priority-and-fairness-config-producer": Stage.FOUNDED,
    "poststarthook/bootstrap-controller": Stage.FOUNDED,
    "poststarthook/start-kubernetes-service-cidr-controller": Stage.FOUNDED,
    "poststarthook/aggregator-reload-proxy-client-cert": Stage.LOADED,
    "poststarthook/start-kube-aggregator-informers": Stage.LOADED,
    "poststarthook/apiservice-status-local-available-controller": Stage.REGISTERED,
    "poststarthook/apiservice-status-remote-available-controller": Stage.REGISTERED,
    "poststarthook/apiservice-registration-controller": Stage.REGISTERED,
    "poststarthook/apiservice-discovery-controller": Stage.REGISTERED,
    "poststarthook/kube-apiserver-autoregistration": Stage.REGISTERED,
    "autoregister-completion": Stage.REGISTERED,
    "poststarthook/apiservice-openapi-controller": Stage.REGISTERED,
    "poststarthook/apiservice-openapiv3-controller": Stage.REGISTERED,
}


def hooks(stages: Mapping[Stage, Check]) -> Mapping[str, Check]:
    """The checks by name, in upstream's order."""
    return {name: stages[stage] for name, stage in _STAGES.items()}
