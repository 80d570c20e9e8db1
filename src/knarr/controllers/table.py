"""The controllers, in the order in which they start."""

from __future__ import annotations

from knarr.controllers import replicaset, replicationcontroller
from knarr.runtime.controller import Controller

CONTROLLERS: tuple[Controller, ...] = (
    replicaset.CONTROLLER,
    replicationcontroller.CONTROLLER,
)
