"""Pods that stand for those which a node runs by itself, from its files (docs: "Static Pods")."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import dig

MIRROR = "kubernetes.io/config.mirror"


def is_mirror(pod: JSON) -> bool:
    return MIRROR in dig(pod, "metadata.annotations", {})
