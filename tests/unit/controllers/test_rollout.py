"""The arithmetic of rollouts: sizes, revisions, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from knarr.client.objects import Meta
from knarr.controllers.objects import Condition, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus
from knarr.controllers.rollout.progress import pause_note, seconds_to_deadline, with_condition
from knarr.controllers.rollout.revisions import beyond_history, revision_annotations
from knarr.controllers.rollout.sizes import fenceposts, new_size, old_sizes, scaled_sizes
from knarr.controllers.rollout.templates import same_template, template_hash
from knarr.controllers.rollout.views import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    RollingUpdate,
    Rollout,
    Strategy,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any) -> Deployment:
    strategy = Strategy(rolling_update=RollingUpdate(max_surge=surge, max_unavailable=unavailable))
    return Deployment(metadata=Meta(name="web"), spec=DeploymentSpec(replicas=replicas, strategy=strategy, **spec))


def replicas(name: str, size: int, available: int | None = None, **annotations: str) -> ReplicaSet:
    return ReplicaSet(
        metadata=Meta(
            name=name,
            uid=name,
            annotations={f"deployment.kubernetes.io/{k.replace('_', '-')}": v for k, v in annotations.items()},
        ),
        spec=ReplicaSetSpec(replicas=size),
        status=ReplicaSetStatus(replicas=size, available_replicas=size if available is None else available),
    )


@pytest.mark.parametrize(
    ("count", "surge", "unavailable", "expected"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="surge up, unavailable down"),
        pytest.param(1, "25%", "25%", (1, 0), id="one"),
        pytest.param(0, "25%", "25%", (0, 1), id="none"),
        pytest.param(3, 0, "10%", (0, 1), id="would be stuck"),
        pytest.param(4, 2, 1, (2, 1), id="numbers"),
    ],
)
def test_fenceposts(count: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    assert fenceposts(deployment(count, surge, unavailable)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(0, [10], 3, id="starts with the surge"),
        pytest.param(3, [10], 3, id="no room"),
        pytest.param(5, [8], 5, id="still none"),
        pytest.param(5, [4], 9, id="room"),
        pytest.param(9, [1], 10, id="not beyond what is wanted"),
        pytest.param(12, [], 10, id="down"),
    ],
)
def test_new_size(new: int, old: list[int], expected: int) -> None:
    sets = tuple(replicas(f"old{i}", size) for i, size in enumerate(old))
    assert new_size(Rollout(deployment(10, 3, 2), replicas("new", new), sets)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param((3, 0), [(10, 10)], [8], id="as many as may be missing"),
        pytest.param((3, 3), [(10, 10)], [5], id="the new ones count"),
        pytest.param((5, 0), [(8, 8)], [8], id="nothing to spare"),
        pytest.param((3, 0), [(2, 0), (8, 8)], [0, 8], id="broken ones go first"),
        pytest.param((10, 10), [(1, 1), (2, 2)], [0, 0], id="the rest"),
    ],
)
def test_old_sizes(new: tuple[int, int], old: list[tuple[int, int]], expected: list[int]) -> None:
    sets = tuple(replicas(f"old{i}", *sizes) for i, sizes in enumerate(old))
    sizes = old_sizes(Rollout(deployment(10, 3, 2), replicas("new", *new), sets))
    assert [*sizes.values()] == expected


@pytest.mark.parametrize(
    ("wanted", "new", "old", "expected"),
    [
        pytest.param(5, 3, [0], {"new": 5}, id="the only active one"),
        pytest.param(5, 0, [0], {"new": 5}, id="none active: the new one"),
        pytest.param(15, 5, [8], {"old0": 11, "new": 7}, id="up, in proportion"),
        pytest.param(5, 5, [8], {"old0": 5, "new": 3}, id="down, in proportion"),
        pytest.param(0, 5, [8], {"old0": 0, "new": 0}, id="to nothing"),
    ],
)
def test_scaled_sizes(wanted: int, new: int, old: list[int], expected: dict[str, int]) -> None:
    before: dict[str, Any] = {"desired_replicas": "10", "max_replicas": "13"}
    sets = tuple(replicas(f"old{i}", size, **before) for i, size in enumerate(old))
    assert scaled_sizes(Rollout(deployment(wanted, 3, 2), replicas("new", new, 0, **before), sets)) == expected


def test_a_saturated_rollout_drops_what_is_old() -> None:
    new = replicas("new", 3, 3, desired_replicas="3")
    assert scaled_sizes(Rollout(deployment(3), new, (replicas("a", 1), replicas("b", 0)))) == {"a": 0}


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(None, [], {"revision": "1"}, id="the first"),
        pytest.param(None, ["1", "4"], {"revision": "5"}, id="the next"),
        pytest.param({"revision": "5"}, ["4"], {"revision": "5"}, id="the current stays"),
        pytest.param({"revision": "1"}, ["2"], {"revision": "3", "revision-history": "1"}, id="rolled back to"),
        pytest.param(
            {"revision": "3", "revision_history": "1"}, ["4"], {"revision": "5", "revision-history": "1,3"}, id="again"
        ),
    ],
)
def test_revisions(new: dict[str, Any] | None, old: list[str], expected: dict[str, str]) -> None:
    sets = tuple(replicas(f"old{r}", 0, revision=r) for r in old)
    current = replicas("new", 1, **new) if new is not None else None
    found = revision_annotations(Rollout(deployment(1), current, sets))
    assert found == {f"deployment.kubernetes.io/{k}": v for k, v in expected.items()}


@pytest.mark.parametrize(
    ("limit", "gone"),
    [(0, ["a", "c", "d"]), (1, ["a", "c"]), (2, ["a"]), (3, ["a"]), (4, []), (None, [])],
    ids=lambda value: str(value),
)
def test_history(limit: int | None, gone: list[str]) -> None:
    old = [replicas("d", 0, revision="10"), replicas("a", 0, revision="1"), replicas("b", 2, revision="2")]
    old.append(replicas("c", 0, revision="2"))
    found = beyond_history(deployment(1, revision_history_limit=limit), old)
    assert [s.metadata.name for s in found] == gone


def test_the_hash_is_of_the_meaning() -> None:
    one = {"metadata": {"labels": {"a": "b"}}, "spec": {"x": 1, "y": 2}}
    same = {"spec": {"y": 2, "x": 1}, "metadata": {"labels": {"pod-template-hash": "bcd", "a": "b"}}}
    assert same_template(one, same)
    assert template_hash(one, None) == template_hash(same, None)
    assert len({template_hash(one, None), template_hash(one, 1), template_hash(one, 2)}) == 3


def test_conditions_keep_the_time_of_the_last_transition() -> None:
    old = Condition(type="A", status="True", reason="X", last_update_time="1", last_transition_time="1")
    same = Condition(type="A", status="True", reason="X", last_update_time="2", last_transition_time="2")
    other = Condition(type="A", status="True", reason="Y", last_update_time="2", last_transition_time="2")
    turned = Condition(type="A", status="False", reason="X", last_update_time="2", last_transition_time="2")
    assert with_condition((old,), same) == (old,)
    times = [
        (c.last_update_time, c.last_transition_time) for new in (other, turned) for c in with_condition((old,), new)
    ]
    assert times == [("2", "1"), ("2", "2")]


@pytest.mark.parametrize(
    ("paused", "reason", "expected"),
    [
        pytest.param(True, "ReplicaSetUpdated", "DeploymentPaused", id="paused"),
        pytest.param(True, "DeploymentPaused", None, id="still paused"),
        pytest.param(False, "DeploymentPaused", "DeploymentResumed", id="resumed"),
        pytest.param(False, "DeploymentResumed", None, id="at work"),
        pytest.param(True, "ProgressDeadlineExceeded", None, id="failed before"),
    ],
)
def test_pause_notes(paused: bool, reason: str, expected: str | None) -> None:
    status = DeploymentStatus(conditions=(Condition(type="Progressing", status="True", reason=reason),))
    spec = DeploymentSpec(paused=paused, progress_deadline_seconds=600)
    note = pause_note(Deployment(spec=spec, status=status), NOW)
    assert (note.reason if note else None) == expected


def test_the_deadline_counts_from_the_last_progress() -> None:
    since = Condition(type="Progressing", status="True", reason="R", last_update_time="2026-01-01T00:00:00Z")
    status = DeploymentStatus(conditions=(since,))
    assert seconds_to_deadline(deployment(1, progress_deadline_seconds=60), status, NOW + timedelta(seconds=20)) == 41
