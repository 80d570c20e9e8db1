"""ReplicationControllers: the ReplicaSets of old, whose selector is a plain map of labels."""

from __future__ import annotations

from knarr.client.resources import REPLICATION_CONTROLLERS
from knarr.controllers.replicas import Replication, controller
from knarr.machinery.selectors import from_map

CONTROLLER = controller("replication-controller", "replicationmanager", Replication(REPLICATION_CONTROLLERS, from_map))
