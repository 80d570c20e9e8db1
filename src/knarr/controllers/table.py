"""The controllers, in the order in which they start."""

from __future__ import annotations

from knarr.controllers import deployment, job, replicaset, replicationcontroller
from knarr.runtime.controller import Controller

CONTROLLERS: tuple[Controller, ...] = (
    deployment.CONTROLLER,
    replicaset.CONTROLLER,
    replicationcontroller.CONTROLLER,
    job.CONTROLLER,
)
