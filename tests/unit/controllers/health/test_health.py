"""Nodes: silence, taints, disruption; all decided without doing anything."""

from __future__ import annotations

import pytest

from knarr.client.objects import Meta
from knarr.controllers.health.disruptions import Pace, ZoneState, rates, state_of
from knarr.controllers.health.heartbeats import Heartbeats, status_beat, unknown_conditions
from knarr.controllers.health.taints import NOT_READY, UNREACHABLE, wanted_taints
from knarr.controllers.nodes import Node, NodeCondition, NodeSpec, NodeStatus, Taint, tolerates
from knarr.controllers.objects import Toleration
from knarr.controllers.tainteviction import tolerated_for

NOW = "2026-01-01T00:01:00Z"


def node(*taints: Taint, zone: str = "z", unschedulable: bool = False, **conditions: str) -> Node:
    found = tuple(NodeCondition(type=k, status=v, last_heartbeat_time="h") for k, v in conditions.items())
    return Node(
        metadata=Meta(name="n", creation_timestamp="c", labels={"topology.kubernetes.io/zone": zone}),
        spec=NodeSpec(taints=taints, unschedulable=unschedulable),
        status=NodeStatus(conditions=found),
    )


def taint(key: str, effect: str = "NoSchedule", at: str | None = NOW) -> Taint:
    return Taint(key=key, effect=effect, time_added=at)


THEIRS, OLD = Taint(key="example.com/gpu", effect="NoExecute"), taint(UNREACHABLE, at="before")


@pytest.mark.parametrize(
    ("found", "drive_off", "expected"),
    [
        pytest.param(node(Ready="True"), False, (), id="well"),
        pytest.param(node(), True, (), id="never said"),
        pytest.param(node(taint(NOT_READY)), False, (taint(NOT_READY),), id="never said, and registered so"),
        pytest.param(node(Ready="False"), False, (taint(NOT_READY),), id="not ready"),
        pytest.param(node(Ready="Unknown"), False, (taint(UNREACHABLE),), id="silent"),
        pytest.param(
            node(Ready="Unknown"), True, (taint(UNREACHABLE, "NoExecute"), taint(UNREACHABLE)), id="Pods must go"
        ),
        pytest.param(node(OLD, Ready="Unknown"), False, (OLD,), id="its time stays"),
        pytest.param(node(OLD, Ready="False"), False, (taint(NOT_READY),), id="another failure"),
        pytest.param(node(THEIRS, OLD, Ready="True"), False, (THEIRS,), id="well again"),
        pytest.param(node(unschedulable=True), False, (taint("node.kubernetes.io/unschedulable"),), id="cordoned"),
        pytest.param(
            node(Ready="True", DiskPressure="True"), False, (taint("node.kubernetes.io/disk-pressure"),), id="full disk"
        ),
        pytest.param(
            node(NetworkUnavailable="True"), False, (taint("node.kubernetes.io/network-unavailable"),), id="no network"
        ),
    ],
)
def test_wanted_taints(found: Node, drive_off: bool, expected: tuple[Taint, ...]) -> None:
    assert wanted_taints(found, NOW, drive_off=drive_off) == expected


EXISTS, SOME = Toleration(operator="Exists"), Toleration(key=NOT_READY, operator="Exists")


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        pytest.param(EXISTS, True, id="everything"),
        pytest.param(SOME, True, id="the key"),
        pytest.param(Toleration(key=NOT_READY, effect="NoSchedule"), False, id="another effect"),
        pytest.param(Toleration(key=UNREACHABLE, operator="Exists"), False, id="another key"),
        pytest.param(Toleration(key=NOT_READY, value="v"), True, id="the value"),
        pytest.param(Toleration(key=NOT_READY, value="w"), False, id="another value"),
    ],
)
def test_tolerates(toleration: Toleration, expected: bool) -> None:
    assert tolerates(toleration, Taint(key=NOT_READY, value="v", effect="NoExecute")) is expected


def lasting(seconds: int | None, key: str = "") -> Toleration:
    return Toleration(key=key, operator="Exists", toleration_seconds=seconds)


DRIVEN = (taint(NOT_READY, "NoExecute"), taint("x", "NoExecute"))


@pytest.mark.parametrize(
    ("taints", "tolerations", "expected"),
    [
        pytest.param((), (), None, id="no taints"),
        pytest.param((taint(NOT_READY),), (), None, id="only for newcomers"),
        pytest.param(DRIVEN, (), 0, id="not tolerated"),
        pytest.param(DRIVEN, (lasting(30, NOT_READY),), 0, id="one not tolerated"),
        pytest.param(DRIVEN, (EXISTS,), None, id="tolerated for ever"),
        pytest.param(DRIVEN, (lasting(30, NOT_READY), lasting(20, "x")), 20, id="the shortest"),
        pytest.param(DRIVEN, (lasting(30, NOT_READY), lasting(None, "x")), 30, id="one for ever"),
        pytest.param(DRIVEN, (lasting(-1),), 0, id="less than nothing"),
    ],
)
def test_tolerated_for(taints: tuple[Taint, ...], tolerations: tuple[Toleration, ...], expected: float | None) -> None:
    assert tolerated_for(taints, tolerations) == expected


def test_silence_is_measured_from_when_a_beat_was_seen_not_from_what_it_says() -> None:
    beats = Heartbeats()
    beats.hear("n", "lease", "2099-01-01T00:00:00Z", now=100)
    beats.hear("n", "lease", "2099-01-01T00:00:00Z", now=110)
    assert beats.silence("n", now=120) == 20
    beats.hear("n", "lease", "1970-01-01T00:00:00Z", now=125)
    assert beats.silence("n", now=130) == 5
    beats.hear("n", "status", "b", now=129)
    assert beats.silence("n", now=130) == 1
    beats.forget("n")
    assert beats.silence("n", now=130) == 0


def test_what_was_written_here_is_no_sign_of_life() -> None:
    assert [status_beat(node(Ready=status)) for status in ("True", "Unknown")] == ["h True", ""]


def test_conditions_of_a_silent_node() -> None:
    stopped = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    never = {"reason": "NodeStatusNeverUpdated", "message": "Kubelet never posted node status."}
    found = node(Ready="True", MemoryPressure="False", DiskPressure="Unknown", NetworkUnavailable="False")
    unknown = {"status": "Unknown", "lastTransitionTime": NOW}
    assert unknown_conditions(found, NOW) == [
        {"type": "PIDPressure", **never, **unknown, "lastHeartbeatTime": "c"},
        {"type": "Ready", **stopped, **unknown, "lastHeartbeatTime": "h"},
        {"type": "MemoryPressure", **stopped, **unknown, "lastHeartbeatTime": "h"},
    ]


@pytest.mark.parametrize(
    ("ready", "failing", "expected"),
    [
        pytest.param(1, 0, ZoneState.NORMAL, id="well"),
        pytest.param(0, 1, ZoneState.FULL, id="all"),
        pytest.param(1, 2, ZoneState.NORMAL, id="few"),
        pytest.param(2, 3, ZoneState.PARTIAL, id="most"),
        pytest.param(5, 3, ZoneState.NORMAL, id="the smaller part"),
    ],
)
def test_zone_states(ready: int, failing: int, expected: ZoneState) -> None:
    assert state_of(ready, failing) is expected


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        pytest.param({"a": (1, 1)}, {"a": 0.1}, id="one fails"),
        pytest.param({"a": (0, 3)}, {"a": 0}, id="everything fails: it may be us"),
        pytest.param({"a": (0, 3), "b": (1, 0)}, {"a": 0.1, "b": 0.1}, id="a zone fails"),
        pytest.param({"a": (2, 3)}, {"a": 0}, id="much of a small zone"),
        pytest.param({"a": (20, 40)}, {"a": 0.01}, id="much of a large zone"),
    ],
)
def test_rates(zones: dict[str, tuple[int, int]], expected: dict[str, float]) -> None:
    counted = {zone: ((True, ready), (False, failing)) for zone, (ready, failing) in zones.items()}
    assert (
        rates((zone, is_so) for zone, each in counted.items() for is_so, count in each for _ in range(count))
        == expected
    )


def test_one_node_after_the_other() -> None:
    pace = Pace()
    for name, ready in {"a": "True", "b": "True", "c": "False"}.items():
        pace.note(name, node(Ready=ready))
    assert [pace.take("/z", now) for now in (0, 4, 10)] == [0, 6, 0]
    assert pace.take("/elsewhere", 0) is None


def test_the_pace_changes_with_the_state_of_all() -> None:
    pace = Pace()
    changes = [pace.note("a", node(Ready=status)) for status in ("True", "True", "False")]
    assert (changes, pace.stopped) == ([True, False, True], True)
    assert pace.note("a", None)
