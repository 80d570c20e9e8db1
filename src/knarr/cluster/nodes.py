"""What the command line asks about nodes."""

from __future__ import annotations

from knarr.client.client import Client
from knarr.client.objects import Object, View
from knarr.client.resources import NODES


class Condition(View, frozen=True):
    type: str = ""
    status: str = ""
    message: str = ""


class NodeStatus(View, frozen=True):
    conditions: tuple[Condition, ...] = ()


class Node(Object, frozen=True):
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


async def until_ready(client: Client, name: str) -> None:
    """Wait until the node exists and is Ready."""
    only = f"metadata.name={name}"
    nodes = await client.list(NODES, view=Node, field_selector=only)
    if any(node.ready for node in nodes.items):
        return
    async for event in client.watch(NODES, view=Node, resource_version=nodes.resource_version, field_selector=only):
        if event.type in ("ADDED", "MODIFIED") and event.object.ready:
            return
