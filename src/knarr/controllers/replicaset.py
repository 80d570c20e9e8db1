"""ReplicaSets: so many Pods of one template, chosen by a label selector."""

from __future__ import annotations

from knarr.client.resources import REPLICA_SETS
from knarr.controllers.ownership import label_selector
from knarr.controllers.replicas import Replication, controller

CONTROLLER = controller("replicaset-controller", "replicaset", Replication(REPLICA_SETS, label_selector))
