"""What LimitRanges say of Pods and claims."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.limits import ANNOTATION, claim_violations, pod_violations, set_defaults

JSON = dict[str, Any]


def ranges(**item: Any) -> JSON:
    return {"spec": {"limits": [{"type": "Container", **item}]}}


def pod(*containers: JSON, **spec: Any) -> JSON:
    return {"metadata": {}, "spec": {"containers": [{"name": "c", "resources": c} for c in containers], **spec}}


def test_defaults_fill_what_is_missing_and_tell_so() -> None:
    made = pod({}, {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}, initContainers=[{"name": "i"}])
    set_defaults(ranges(default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "100m"}), made)
    default = {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    assert [c["resources"] for c in made["spec"]["containers"]] == [
        default,
        {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}},
    ]
    assert made["spec"]["initContainers"][0]["resources"] == default
    assert made["metadata"]["annotations"] == {
        ANNOTATION: "LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c; "
        "memory limit for container c; cpu request for init container i; cpu, memory limit for init container i"
    }


def test_no_defaults_no_annotation() -> None:
    made = pod({})
    set_defaults(ranges(max={"cpu": "1"}), made)
    assert made == pod({})


@pytest.mark.parametrize(
    ("bounds", "resources", "expected"),
    [
        pytest.param(
            {"min": {"cpu": "100m"}},
            {},
            ["minimum cpu usage per Container is 100m.  No request is specified"],
            id="no request",
        ),
        pytest.param(
            {"min": {"cpu": "100m"}},
            {"requests": {"cpu": "50m"}},
            ["minimum cpu usage per Container is 100m, but request is 50m"],
            id="request too small",
        ),
        pytest.param(
            {"min": {"cpu": "100m"}},
            {"requests": {"cpu": "100m"}, "limits": {"cpu": "50m"}},
            ["minimum cpu usage per Container is 100m, but limit is 50m"],
            id="limit too small",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            {"requests": {"memory": "1Gi"}},
            ["maximum memory usage per Container is 1Gi.  No limit is specified"],
            id="no limit",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            {"limits": {"memory": "2Gi"}},
            ["maximum memory usage per Container is 1Gi, but limit is 2Gi"],
            id="limit too great",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"requests": {"cpu": "200m"}, "limits": {"cpu": "500m"}},
            ["cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000"],
            id="ratio",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2500m"}},
            {"requests": {"cpu": "200m"}, "limits": {"cpu": "500m"}},
            [],
            id="ratio just kept",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"limits": {"cpu": "500m"}},
            ["cpu max limit to request ratio per Container is 2, but no request is specified or request is 0"],
            id="no ratio",
        ),
    ],
)
def test_bounds_of_containers(bounds: JSON, resources: JSON, expected: list[str]) -> None:
    assert list(pod_violations(ranges(**bounds), pod(resources))) == expected


def test_bounds_of_pods_count_all_containers() -> None:
    one = {"requests": {"cpu": "600m"}, "limits": {"cpu": "600m"}}
    assert list(pod_violations(ranges(type="Pod", max={"cpu": "1"}), pod(one, one))) == [
        "maximum cpu usage per Pod is 1, but limit is 1200m"
    ]
    assert list(pod_violations(ranges(type="Pod", max={"cpu": "1"}), pod(one))) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("1Gi", [], id="kept"),
        pytest.param(
            "1Mi", ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"], id="too small"
        ),
        pytest.param(
            "3Gi", ["maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"], id="too great"
        ),
    ],
)
def test_bounds_of_claims(asked: str, expected: list[str]) -> None:
    limits = ranges(type="PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})
    assert list(claim_violations(limits, {"spec": {"resources": {"requests": {"storage": asked}}}})) == expected
