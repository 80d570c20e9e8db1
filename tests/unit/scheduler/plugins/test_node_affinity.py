from __future__ import annotations

from typing import Any

import pytest

from knarr.scheduler.judging import Checks
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.plugins.node_affinity import PLUGIN, only, score
from knarr.scheduler.pods import PodInfo
from tests.unit.scheduler.builders import JSON, node, pod

NODE = node("n1", labels={"zone": "a", "disk": "ssd", "cores": "8"})
MISMATCH = ("node(s) didn't match Pod's node affinity/selector",)


def expression(key: str, operator: str, *values: str) -> JSON:
    return {"key": key, "operator": operator, "values": list(values)}


def labels(*expressions: JSON) -> JSON:
    return {"matchExpressions": list(expressions)}


def fields(*expressions: JSON) -> JSON:
    return {"matchFields": list(expressions)}


def requiring(*terms: JSON, **spec: Any) -> PodInfo:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return pod(affinity={"nodeAffinity": required}, **spec)


def preferring(*preferences: tuple[int, JSON]) -> PodInfo:
    preferred = [{"weight": weight, "preference": term} for weight, term in preferences]
    return pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}})


@pytest.mark.parametrize(
    ("asking", "fits"),
    [
        pytest.param(pod(), True, id="no wish"),
        pytest.param(pod(nodeSelector={"zone": "a", "disk": "ssd"}), True, id="selector"),
        pytest.param(pod(nodeSelector={"zone": "a", "disk": "hdd"}), False, id="selector, one label other"),
        pytest.param(requiring(labels(expression("zone", "In", "b", "a"))), True, id="In"),
        pytest.param(requiring(labels(expression("zone", "In", "b"))), False, id="not In"),
        pytest.param(requiring(labels(expression("zone", "NotIn", "b"))), True, id="NotIn"),
        pytest.param(requiring(labels(expression("zone", "NotIn", "a"))), False, id="not NotIn"),
        pytest.param(requiring(labels(expression("gpu", "NotIn", "a"))), True, id="NotIn, no such label"),
        pytest.param(requiring(labels(expression("zone", "Exists"))), True, id="Exists"),
        pytest.param(requiring(labels(expression("gpu", "Exists"))), False, id="not Exists"),
        pytest.param(requiring(labels(expression("gpu", "DoesNotExist"))), True, id="DoesNotExist"),
        pytest.param(requiring(labels(expression("zone", "DoesNotExist"))), False, id="not DoesNotExist"),
        pytest.param(requiring(labels(expression("cores", "Gt", "4"))), True, id="Gt"),
        pytest.param(requiring(labels(expression("cores", "Gt", "8"))), False, id="not Gt"),
        pytest.param(requiring(labels(expression("cores", "Lt", "16"))), True, id="Lt"),
        pytest.param(requiring(labels(expression("zone", "Lt", "16"))), False, id="Lt, a label that is no number"),
        pytest.param(
            requiring(labels(expression("zone", "In", "b")), labels(expression("disk", "Exists"))), True, id="any term"
        ),
        pytest.param(
            requiring(labels(expression("zone", "In", "b"), expression("disk", "Exists"))), False, id="all of a term"
        ),
        pytest.param(requiring(labels(expression("zone", "In", "a")), nodeSelector={"disk": "hdd"}), False, id="both"),
        pytest.param(requiring({}), False, id="an empty term"),
        pytest.param(requiring(), False, id="no term"),
        pytest.param(requiring(fields(expression("metadata.name", "In", "n1"))), True, id="the name"),
        pytest.param(requiring(fields(expression("metadata.name", "NotIn", "n1"))), False, id="not the name"),
        pytest.param(requiring(fields(expression("spec.x", "NotIn", "n1"))), False, id="another field"),
    ],
)
def test_refuses(asking: PodInfo, fits: bool) -> None:
    assert Checks(asking.demand, [PLUGIN]).refuse(NODE) == (() if fits else MISMATCH)


LONG = "n" * 100 + ".example.com"  # as no label value can be


@pytest.mark.parametrize(
    ("asking", "expected"),
    [
        pytest.param(pod(), None, id="no wish"),
        pytest.param(requiring(fields(expression("metadata.name", "In", LONG))), {LONG}, id="one"),
        pytest.param(
            requiring(*(fields(expression("metadata.name", "In", name)) for name in "ab")), {"a", "b"}, id="any term's"
        ),
        pytest.param(
            requiring(fields(expression("metadata.name", "In", "a")), labels(expression("zone", "Exists"))),
            None,
            id="a term leaves it open",
        ),
        pytest.param(requiring(fields(expression("metadata.name", "NotIn", "a"))), None, id="only what is not wanted"),
    ],
)
def test_names_the_only_nodes_worth_checking(asking: PodInfo, expected: set[str] | None) -> None:
    assert only(asking.demand) == expected


SSD, ZONE_B = labels(expression("disk", "In", "ssd")), labels(expression("zone", "In", "b"))


@pytest.mark.parametrize(
    ("asking", "on", "expected"),
    [
        pytest.param(preferring((10, SSD)), NODE, 10, id="met"),
        pytest.param(preferring((10, ZONE_B)), NODE, 0, id="not met"),
        pytest.param(preferring((10, SSD), (5, SSD), (1, ZONE_B)), NODE, 15, id="the sum of what is met"),
        pytest.param(preferring((10, {})), NODE, 0, id="an empty preference"),
    ],
)
def test_counts_what_is_preferred(asking: PodInfo, on: NodeInfo, expected: int) -> None:
    points = score(asking.demand)
    assert points and points(on) == expected


def test_a_pod_without_preferences_is_not_scored() -> None:
    assert score(pod().demand) is None
