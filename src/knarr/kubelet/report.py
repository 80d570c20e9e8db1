"""All that a pod's status is made of: what the worker hands to status.py and readiness.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from knarr.kubelet.interfaces import Addresses
from knarr.kubelet.objects import Pod
from knarr.kubelet.plan import Observation


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A pod as its worker sees it. `reason` and `message` are the pod's own, of one that was failed as a whole."""

    pod: Pod
    seen: Observation
    now: datetime
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=Addresses)
    sandbox_ready: bool = False
    ready: Callable[[str], bool] = bool
    started: Callable[[str], bool] = bool
    stopping: bool = False  # its containers are being stopped
    stopped: bool = False  # none runs, none will
    outcome: str = ""
    reason: str = ""
    message: str = ""
    published: Mapping[str, Any] = field(default_factory=dict)  # what the API was told last
    start_time: str = ""
    runtime_name: str = "containerd"
