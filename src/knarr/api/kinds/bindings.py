"""Bindings: one may only be created, and is not kept; creating it binds the Pod of its name to a node."""

from __future__ import annotations

from knarr.api.kind import Kind, Version

KIND = Kind(
    kind="Binding",
    plural="bindings",
    versions=(Version("v1", "io.k8s.api.core.v1.Binding"),),
    verbs=("create",),
    effects=("binding",),
)
