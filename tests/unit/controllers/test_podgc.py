"""Pods that no kubelet will ever clean up."""

from __future__ import annotations

import pytest

from knarr.client.resources import NODES, PODS
from knarr.controllers import podgc
from knarr.machinery.errors import ServiceUnavailable
from tests.unit.controllers.bench import NOW, Bench, pod


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        pytest.param(
            "2", ["DELETE pods/evicted", "DELETE pods/old"], id="too many: evicted ones first, then the oldest"
        ),
        pytest.param("4", [], id="not too many"),
        pytest.param("0", [], id="any number"),
    ],
)
async def test_ended_pods(threshold: str, expected: list[str]) -> None:
    bench = Bench(podgc.CONTROLLER, terminated_pod_gc_threshold=threshold)
    bench.put(NODES, "n1", "")
    for name, year in {"new": 2025, "old": 2023, "middle": 2024, "evicted": 2025}.items():
        pod(bench, name, phase="Failed", creationTimestamp=f"{year}-01-01T00:00:00Z")
    bench.put(PODS, "evicted", status={"phase": "Failed", "reason": "Evicted"})
    pod(bench, "running")
    await bench.run()
    assert sorted(set(bench.done)) == expected


async def test_a_pod_deleted_before_it_was_bound() -> None:
    bench = Bench(podgc.CONTROLLER)
    pod(bench, "unbound", phase="Pending", deletionTimestamp=NOW)
    bench.put(PODS, "unbound", spec={})
    await bench.run()
    assert [(method, path, body["gracePeriodSeconds"]) for method, path, body in bench.actions] == [
        ("DELETE", "pods/unbound", 0)
    ]


async def test_a_pod_of_a_node_that_is_gone_fails_and_goes() -> None:
    bench = Bench(podgc.CONTROLLER)
    pod(bench, "lost")
    async with bench.running():
        await bench.advance(40)
        (_, marked, patch), (_, deleted, _) = bench.actions[:2]
    assert (marked, deleted) == ("pods/lost/status", "pods/lost")
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
        "lastTransitionTime": "2026-01-01T00:00:40Z",
    }
    assert patch["status"] == {"conditions": [condition], "phase": "Failed"}


async def test_a_node_is_not_believed_gone_before_the_api_says_so() -> None:
    bench = Bench(podgc.CONTROLLER)
    pod(bench, "lost")
    async with bench.running():
        bench.api.fail("GET", "/nodes/n1", ServiceUnavailable("later"))
        await bench.advance(40)
        assert bench.done == []
        await bench.advance(1)
        assert bench.done[:2] == ["PATCH pods/lost/status", "DELETE pods/lost"]
