"""HorizontalPodAutoscalers between autoscaling/v1 and v2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knarr.api.autoscaling import from_v2, to_v2

JSON = dict[str, Any]
PREFIX = "autoscaling.alpha.kubernetes.io/"
CPU: JSON = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
MEMORY: JSON = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}},
}
PODS: JSON = {
    "type": "Pods",
    "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "100"}},
}
OBJECT: JSON = {
    "type": "Object",
    "object": {
        "describedObject": {"kind": "Ingress", "name": "main"},
        "metric": {"name": "hits", "selector": {"matchLabels": {"a": "b"}}},
        "target": {"type": "Value", "value": "2k"},
    },
}
AVERAGE: JSON = {
    "type": "Object",
    "object": {
        "describedObject": {"kind": "Ingress", "name": "main"},
        "metric": {"name": "hits"},
        "target": {"type": "AverageValue", "averageValue": "3"},
    },
}
EXTERNAL: JSON = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}},
}
CONTAINER: JSON = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "container": "web",
        "target": {"type": "Utilization", "averageUtilization": 60},
    },
}


def autoscaler(*metrics: JSON, status: JSON | None = None, **spec: Any) -> JSON:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "annotations": {"mine": "kept"}},
        "spec": {"maxReplicas": 3, "metrics": list(metrics), **spec},
        "status": status or {},
    }


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(autoscaler(CPU), id="processor"),
        pytest.param(autoscaler(MEMORY, PODS, OBJECT, AVERAGE, EXTERNAL, CONTAINER, CPU), id="every metric"),
        pytest.param(autoscaler(CPU, behavior={"scaleDown": {"selectPolicy": "Min"}}), id="behaviour"),
        pytest.param(
            autoscaler(
                CPU,
                status={
                    "currentReplicas": 1,
                    "conditions": [{"type": "AbleToScale", "status": "True"}],
                    "currentMetrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "70m"}},
                        },
                        {"type": "Pods", "pods": {"metric": {"name": "hits"}, "current": {"averageValue": "9"}}},
                    ],
                },
            ),
            id="status",
        ),
    ],
)
def test_nothing_is_lost_on_the_way_through_v1(whole: JSON) -> None:
    assert to_v2(from_v2(whole)) == whole


def test_what_v1_shows() -> None:
    shown = from_v2(autoscaler(CPU, MEMORY))
    other = {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
    assert shown["apiVersion"] == "autoscaling/v1"
    assert shown["spec"] == {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    annotations = shown["metadata"]["annotations"]
    assert json.loads(annotations.pop(f"{PREFIX}metrics")) == [other]
    assert annotations == {"mine": "kept"}


def test_an_autoscaler_without_metrics_goes_by_the_processor() -> None:
    stored = to_v2({"metadata": {"name": "web"}, "spec": {"maxReplicas": 3}})
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


def test_an_annotation_that_is_no_json_counts_for_nothing() -> None:
    broken = {"metadata": {"annotations": {f"{PREFIX}metrics": "[", "mine": "kept"}}, "spec": {"maxReplicas": 3}}
    assert to_v2(broken)["metadata"] == {"annotations": {"mine": "kept"}}
