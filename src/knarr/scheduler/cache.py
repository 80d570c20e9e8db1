"""All nodes with the Pods on them, those just decided included.

A decision counts from the moment it is made (the Pod is *assumed*), not from when the watch brings it back: the next
Pod must not be given the same room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.objects import Node, Pod
from knarr.scheduler.pods import PodInfo, info_of, same_demand


@dataclass(slots=True)
class _Placed:
    pod: PodInfo
    node: NodeInfo
    assumed: bool


class Cache:
    """Nodes by name, and where each Pod counts."""

    def __init__(self) -> None:
        self._infos: dict[str, NodeInfo] = {}
        self._existing: list[NodeInfo] = []
        self._placed: dict[str, _Placed] = {}  # by uid of the Pod
        self._turn = 0

    def set_node(self, node: Node) -> NodeInfo:
        info = self._info(node.metadata.name)
        if not info.exists:
            self._existing.append(info)
        info.set_node(node)
        return info

    def remove_node(self, name: str) -> None:
        """Forget a node; its Pods keep counting until they are gone, in case it comes back."""
        info = self._infos.get(name)
        if info and info.exists:
            info.exists = False
            self._existing.remove(info)
            self._drop_if_empty(info)

    def assume(self, pod: PodInfo, node: str) -> None:
        """Count a Pod on the node that was just chosen for it."""
        self._place(pod, node, assumed=True)

    def forget(self, pod: PodInfo) -> NodeInfo | None:
        """Take back what was assumed, unless it has been seen to be so, or otherwise, meanwhile; the node it freed."""
        placed = self._placed.get(pod.uid)
        return self.remove(pod.uid) if placed and placed.assumed else None

    def confirm(self, pod: Pod) -> NodeInfo | None:
        """Count a Pod where the API says it is, moving it if need be; the node where that may have freed room."""
        placed = self._placed.get(pod.metadata.uid)
        if placed and placed.node.name == pod.spec.node_name and same_demand(placed.pod.pod, pod):
            placed.assumed = False
            return None
        freed = self.remove(pod.metadata.uid)
        self._place(info_of(pod), pod.spec.node_name, assumed=False)
        return freed

    def remove(self, uid: str) -> NodeInfo | None:
        """Stop counting a Pod; the node where that has freed room, if it was counted."""
        placed = self._placed.pop(uid, None)
        if placed is None:
            return None
        placed.node.remove(placed.pod)
        self._drop_if_empty(placed.node)
        return placed.node

    def nodes(self) -> Sequence[NodeInfo]:
        """The nodes there are, beginning where the last Pod's search left off, so that all get their turn."""
        return self._existing[self._turn :] + self._existing[: self._turn]

    def searched(self, count: int) -> None:
        """So many of `nodes()` were looked at."""
        self._turn = (self._turn + count) % max(1, len(self._existing))

    def _place(self, pod: PodInfo, node: str, *, assumed: bool) -> None:
        info = self._info(node)
        self._placed[pod.uid] = _Placed(pod, info, assumed)
        info.add(pod)

    def _info(self, name: str) -> NodeInfo:
        return self._infos.setdefault(name, NodeInfo(name))

    def _drop_if_empty(self, info: NodeInfo) -> None:
        if not info.exists and not info.pods:
            del self._infos[info.name]
