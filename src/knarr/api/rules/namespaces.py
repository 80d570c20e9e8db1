"""Namespaces carry their names as a label from the start."""

from __future__ import annotations

from knarr.api.kind import Rules
from knarr.api.namespaces import label

RULES = (Rules("io.k8s.api.core.v1.Namespace", default=label),)
