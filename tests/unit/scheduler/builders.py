"""Tiny Pods and nodes, written as users write them."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.objects import Node, Pod
from knarr.scheduler.pods import PodInfo, info_of

JSON = dict[str, Any]
_uids = count(1)


def container(name: str = "c", ports: Any = None, **requests: str) -> JSON:
    return {"name": name, "resources": {"requests": requests}, "ports": ports or []}


def raw_pod(name: str = "p", *, uid: str = "", status: JSON | None = None, **spec: Any) -> Pod:
    metadata = {"name": name, "namespace": "default", "uid": uid or f"uid-{next(_uids)}"}
    whole = {"metadata": metadata, "spec": {"containers": [container()], **spec}, "status": status or {}}
    return msgspec.convert(whole, Pod)


def pod(name: str = "p", **rest: Any) -> PodInfo:
    return info_of(raw_pod(name, **rest))


def raw_node(
    name: str = "n", *, labels: dict[str, str] | None = None, taints: tuple[str, ...] = (), **rest: Any
) -> Node:
    """`taints` as kubectl writes them: key=value:Effect; the rest is allocatable, `unschedulable` apart."""
    spec = {"unschedulable": rest.pop("unschedulable", False), "taints": [_taint(text) for text in taints]}
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "110", **rest}
    whole = {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"allocatable": allocatable},
    }
    return msgspec.convert(whole, Node)


def node(name: str = "n", *pods: PodInfo, **rest: Any) -> NodeInfo:
    """A node with Pods on it."""
    info = NodeInfo(name)
    info.set_node(raw_node(name, **rest))
    for each in pods:
        info.add(each)
    return info


def _taint(text: str) -> JSON:
    written, _, effect = text.rpartition(":")
    key, _, value = written.partition("=")
    return {"key": key, "value": value, "effect": effect}
