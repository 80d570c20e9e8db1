"""Tiny builders of pods."""

from __future__ import annotations

from typing import Any

import msgspec

from knarr.kubelet.objects import Container, Pod


def pod(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> Pod:
    meta = {"name": "web", "namespace": "shop", "uid": "u1", **metadata}
    containers = {"containers": [{"name": "app"}]}
    return msgspec.convert({"metadata": meta, "spec": {**containers, **(spec or {})}, "status": status or {}}, Pod)


def mounting(volume: dict[str, Any], **metadata: Any) -> Pod:
    """A pod whose one container mounts this volume, called `v`."""
    mount = {"name": "v", "mountPath": "/v"}
    spec = {"containers": [{"name": "app", "volumeMounts": [mount]}], "volumes": [{"name": "v", **volume}]}
    return pod(spec, **metadata)


def container(**fields: Any) -> Container:
    return msgspec.convert({"name": "app", **fields}, Container)
