"""The controllers, in the order in which they start."""

from __future__ import annotations

from knarr.controllers import (
    clusterroleaggregation,
    deployment,
    endpoints,
    endpointslice,
    endpointslicemirroring,
    garbagecollector,
    job,
    namespace,
    nodelifecycle,
    podgc,
    pvcprotection,
    pvprotection,
    replicaset,
    replicationcontroller,
    resourcequota,
    rootca,
    serviceaccount,
    tainteviction,
    vacprotection,
    validatingadmissionpolicystatus,
)
from knarr.runtime.controller import Controller

CONTROLLERS: tuple[Controller, ...] = (
    serviceaccount.CONTROLLER,
    rootca.CONTROLLER,
    clusterroleaggregation.CONTROLLER,
    namespace.CONTROLLER,
    resourcequota.CONTROLLER,
    garbagecollector.CONTROLLER,
    deployment.CONTROLLER,
    replicaset.CONTROLLER,
    replicationcontroller.CONTROLLER,
    job.CONTROLLER,
    endpointslice.CONTROLLER,
    endpoints.CONTROLLER,
    endpointslicemirroring.CONTROLLER,
    nodelifecycle.CONTROLLER,
    tainteviction.CONTROLLER,
    podgc.CONTROLLER,
    pvcprotection.CONTROLLER,
    pvprotection.CONTROLLER,
    vacprotection.CONTROLLER,
    validatingadmissionpolicystatus.CONTROLLER,
)
