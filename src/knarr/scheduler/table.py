"""The plugins, in the order in which a node is held against them: the cheap and decisive ones first."""

from knarr.scheduler.framework import Plugin
from knarr.scheduler.plugins.node_affinity import PLUGIN as NODE_AFFINITY
from knarr.scheduler.plugins.node_name import PLUGIN as NODE_NAME
from knarr.scheduler.plugins.node_ports import PLUGIN as NODE_PORTS
from knarr.scheduler.plugins.node_resources_balanced_allocation import PLUGIN as NODE_RESOURCES_BALANCED_ALLOCATION
from knarr.scheduler.plugins.node_resources_fit import PLUGIN as NODE_RESOURCES_FIT
from knarr.scheduler.plugins.node_unschedulable import PLUGIN as NODE_UNSCHEDULABLE
from knarr.scheduler.plugins.taint_toleration import PLUGIN as TAINT_TOLERATION

PLUGINS: tuple[Plugin, ...] = (
    NODE_UNSCHEDULABLE,
    NODE_NAME,
    TAINT_TOLERATION,
    NODE_AFFINITY,
    NODE_PORTS,
    NODE_RESOURCES_FIT,
    NODE_RESOURCES_BALANCED_ALLOCATION,
)
