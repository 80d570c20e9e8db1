"""Tiny builders of what a runtime has."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState
from knarr.kubelet.plan import Observation

SECOND = 1_000_000_000
START, END = 1_767_225_600 * SECOND, 1_767_225_610 * SECOND  # 2026-01-01T00:00:00Z and ten seconds later


def running(name: str = "app", attempt: int = 0, sandbox: str = "s1") -> ContainerRecord:
    return record(name, attempt, sandbox, ContainerState.RUNNING)


def exited(name: str = "app", code: int = 0, attempt: int = 0, sandbox: str = "s1", **fields: Any) -> ContainerRecord:
    return record(name, attempt, sandbox, ContainerState.EXITED, exit_code=code, finished_at=END, **fields)


def record(name: str, attempt: int, sandbox: str, state: ContainerState, **fields: Any) -> ContainerRecord:
    return ContainerRecord(
        f"{name}-{attempt}", name, sandbox, state, attempt, image="i", image_ref="i@1", started_at=START, **fields
    )


def observed(*records: ContainerRecord, sandbox: str = "s1", **fields: Any) -> Observation:
    """Newest attempts first; every container counts as started."""
    by_name: dict[str, list[ContainerRecord]] = defaultdict(list)
    for known in sorted(records, key=lambda r: -r.attempt):
        by_name[known.name].append(known)
    return Observation(sandbox, by_name, **{"started": lambda _: True, **fields})
