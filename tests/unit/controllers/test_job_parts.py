"""The pure parts of Jobs: indexes and back-off."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knarr.controllers.jobs.indexes import parse, written
from knarr.controllers.jobs.verdicts import backoff
from knarr.controllers.objects import ContainerState, ContainerStatus, Pod, PodStatus, Terminated


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", set()), ("0", {0}), ("0,1", {0, 1}), ("0-2", {0, 1, 2}), ("0,2-4,7", {0, 2, 3, 4, 7})],
    ids=lambda value: str(value),
)
def test_indexes_are_written_as_they_are_read(text: str, numbers: set[int]) -> None:
    assert (parse(text), written(numbers)) == (numbers, text)


def ended(phase: str, second: int) -> Pod:
    end = Terminated(finished_at=f"2026-01-01T00:00:{second:02}Z")
    return Pod(
        status=PodStatus(phase=phase, container_statuses=(ContainerStatus(state=ContainerState(terminated=end)),))
    )


@pytest.mark.parametrize(
    ("pods", "seconds"),
    [
        pytest.param([], 0, id="nothing ended"),
        pytest.param([ended("Failed", 0)], 5, id="one failure: 10 s after it"),
        pytest.param([ended("Failed", 0), ended("Failed", 4)], 19, id="two: 20 s after the last"),
        pytest.param([ended("Failed", 0), ended("Succeeded", 4)], 0, id="a success makes up for all before"),
        pytest.param([ended("Succeeded", 0), ended("Failed", 3)], 8, id="a failure after a success is a first"),
        pytest.param([ended("Failed", 0)] * 20, 595, id="never more than ten minutes"),
    ],
)
def test_backoff(pods: list[Pod], seconds: float) -> None:
    assert backoff(pods, datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)) == seconds
