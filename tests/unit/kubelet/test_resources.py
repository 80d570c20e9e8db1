"""Requests and limits in the kernel's units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.kubelet.cgroups import Cgroups
from knarr.kubelet.cri.runtime import Limits
from knarr.kubelet.resources import container_limits, pod_limits, qos_class
from tests.unit.kubelet.pods import pod

GIB = 1 << 30


def spec(*resources: dict[str, Any], inits: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    def named(prefix: str, items: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [{"name": f"{prefix}{n}", **item} for n, item in enumerate(items)]

    apps = named("app", tuple({"resources": r} for r in resources))
    return {"containers": apps, "initContainers": named("init", inits)}


BOTH = {"cpu": "500m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "0"}}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": BOTH, "requests": BOTH}, "Guaranteed"),
        ({"limits": BOTH, "requests": {"cpu": "500m", "memory": "1024Mi"}}, "Guaranteed"),
        ({"limits": BOTH, "requests": {"cpu": "1m", "memory": "1Gi"}}, "Burstable"),
    ],
    ids=["none", "zero", "request", "equal", "equal in other units", "less requested"],
)
def test_qos(resources: dict[str, Any], expected: str) -> None:
    assert qos_class(pod(spec(resources))) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, Limits(2, 0, 100_000, 0, 1000)),
        ({"limits": BOTH, "requests": BOTH}, Limits(512, 50_000, 100_000, GIB, -997)),
        ({"requests": {"cpu": "2", "memory": "2Gi"}}, Limits(2048, 0, 100_000, 0, 750)),
        ({"limits": {"cpu": "1m"}}, Limits(2, 1000, 100_000, 0, 999)),
    ],
    ids=["none", "guaranteed", "requests", "least"],
)
def test_of_a_container(resources: dict[str, Any], expected: Limits) -> None:
    one = pod(spec(resources))
    assert container_limits(one, one.spec.containers[0], 8 * GIB) == expected


def test_of_a_pod_the_largest_moment_counts() -> None:
    asked = {"requests": BOTH, "limits": BOTH}
    big = {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "2", "memory": "1Gi"}}}
    sidecar = {"resources": asked, "restartPolicy": "Always"}
    assert pod_limits(pod(spec(asked, asked, inits=(big, sidecar)))) == Limits(2048, 200_000, 100_000, 3 * GIB)


def test_a_container_without_limit_leaves_the_pod_without() -> None:
    limits = pod_limits(pod(spec({"limits": BOTH}, {})))
    assert (limits.cpu_quota, limits.memory) == (0, 0)


def test_cgroups_of_v1_are_made_and_leave_nothing(tmp_path: Path) -> None:
    for controller in ("cpu", "memory"):
        (tmp_path / controller).mkdir()
    groups = Cgroups("/knarr", tmp_path)
    one = pod(spec({"requests": {"cpu": "1"}, "limits": BOTH}))
    assert groups.create(one) == "/knarr/burstable/podu1"
    made = tmp_path / "cpu/knarr/burstable/podu1"
    assert {file.name: file.read_text() for file in made.iterdir()} == {
        "cpu.shares": "1024",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "50000",
    }
    for file in (*made.iterdir(), *(tmp_path / "memory/knarr/burstable/podu1").iterdir()):
        file.unlink()  # as the kernel's files vanish with their directory
    groups.remove("u1")
    assert {path.name for path in tmp_path.rglob("*")} == {"cpu", "memory"}


def test_cgroups_of_v2_hand_their_controllers_down(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids misc\n")
    groups = Cgroups("/knarr", tmp_path)
    one = pod(spec({"requests": BOTH, "limits": BOTH}))
    assert groups.create(one) == "/knarr/podu1"
    assert (tmp_path / "knarr/cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    made = tmp_path / "knarr/podu1"
    assert {file.name: file.read_text() for file in made.iterdir()} == {
        "cpu.weight": "20",
        "cpu.max": "50000 100000",
        "memory.max": str(GIB),
    }


def test_a_pods_own_resources_decide() -> None:
    own = {"requests": {"cpu": "1", "memory": "3Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
    one = pod({**spec({"requests": {"memory": "1Gi"}}, {"limits": {"cpu": "100m"}}), "resources": own})
    assert qos_class(one) == "Burstable"
    assert pod_limits(one) == Limits(1024, 200_000, 100_000, 4 * GIB)
    first, second = (container_limits(one, container, 8 * GIB) for container in one.spec.containers)
    assert first == Limits(2, 200_000, 100_000, 4 * GIB, 750)
    assert second == Limits(102, 10_000, 100_000, 4 * GIB, 875)


def test_a_pod_with_limits_alone_requests_them() -> None:
    one = pod({**spec({}), "resources": {"limits": BOTH}})
    assert (qos_class(one), pod_limits(one).cpu_shares) == ("Guaranteed", 512)
