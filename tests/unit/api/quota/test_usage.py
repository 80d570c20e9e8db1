"""What counts as how much."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.api.quota.table import evaluator_of, evaluators_for
from knarr.machinery.amounts import texts_of

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(*containers: JSON, phase: str = "Running", deleted: str = "", **spec: Any) -> JSON:
    gone = {"deletionTimestamp": deleted, "deletionGracePeriodSeconds": 30} if deleted else {}
    listed = [{"name": f"c{n}", "resources": each} for n, each in enumerate(containers)]
    return {"metadata": {"name": "p", **gone}, "spec": {"containers": listed, **spec}, "status": {"phase": phase}}


def requests(**amounts: str) -> JSON:
    return {"requests": amounts}


def claim(size: str = "1Gi", **rest: Any) -> JSON:
    spec = {"resources": {"requests": {"storage": size}}, **rest.pop("spec", {})}
    return {"metadata": rest.pop("metadata", {}), "spec": spec, **rest}


def service(kind: str, *node_ports: int, **spec: Any) -> JSON:
    return {"spec": {"type": kind, "ports": [{"port": 80, "nodePort": number} for number in node_ports], **spec}}


ENDED = {"count/pods": "1"}
ONE_POD = {**ENDED, "pods": "1"}
ONE_SERVICE = {"count/services": "1", "services": "1", "services.loadbalancers": "0", "services.nodeports": "0"}
ONE_CLAIM = {"count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "1Gi"}
GPUS = {"name": "a", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 2}}
ALTERNATIVES = {
    "name": "b",
    "firstAvailable": [
        {"deviceClassName": "gpu", "count": 1},
        {"deviceClassName": "gpu", "count": 3},
        {"deviceClassName": "nic", "allocationMode": "All"},
    ],
}
SIDECAR = {"name": "s", "restartPolicy": "Always", "resources": requests(cpu="1")}


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        pytest.param("pods", pod({}), ONE_POD, id="a Pod that asks for nothing"),
        pytest.param(
            "pods",
            pod(requests(cpu="1"), {"requests": {"cpu": "500m"}, "limits": {"cpu": "2", "memory": "1Gi"}}),
            {**ONE_POD, "cpu": "1500m", "requests.cpu": "1500m", "limits.cpu": "2", "limits.memory": "1Gi"},
            id="containers together",
        ),
        pytest.param(
            "pods",
            pod(requests(cpu="1"), initContainers=[SIDECAR, {"name": "i", "resources": requests(cpu="3")}]),
            {**ONE_POD, "cpu": "4", "requests.cpu": "4"},
            id="an init container beside a sidecar",
        ),
        pytest.param(
            "pods",
            pod(requests(cpu="1"), overhead={"cpu": "250m"}),
            {**ONE_POD, "cpu": "1250m", "requests.cpu": "1250m"},
            id="overhead",
        ),
        pytest.param(
            "pods",
            pod(requests(cpu="1"), resources=requests(cpu="3")),
            {**ONE_POD, "cpu": "3", "requests.cpu": "3"},
            id="resources of the whole Pod",
        ),
        pytest.param(
            "pods",
            pod({"requests": {"hugepages-2Mi": "4Mi", "example.com/gpu": "2", "kubernetes.io/own": "1"}}),
            {
                **ONE_POD,
                "hugepages-2Mi": "4Mi",
                "requests.hugepages-2Mi": "4Mi",
                "requests.example.com/gpu": "2",
            },
            id="huge pages and extended resources",
        ),
        pytest.param("pods", pod(requests(cpu="1"), phase="Succeeded"), ENDED, id="a Pod that has ended"),
        pytest.param("pods", pod(requests(cpu="1"), deleted="2026-01-01T11:59:00Z"), ENDED, id="one that is overdue"),
        pytest.param("pods", pod({}, deleted="2026-01-01T11:59:50Z"), ONE_POD, id="one in its grace"),
        pytest.param("services", service("ClusterIP", 0), ONE_SERVICE, id="a Service"),
        pytest.param("services", service("NodePort", 0, 0), {**ONE_SERVICE, "services.nodeports": "2"}, id="NodePort"),
        pytest.param(
            "services",
            service("LoadBalancer", 0),
            {**ONE_SERVICE, "services.nodeports": "1", "services.loadbalancers": "1"},
            id="LoadBalancer",
        ),
        pytest.param(
            "services",
            service("LoadBalancer", 0, 30000, allocateLoadBalancerNodePorts=False),
            {**ONE_SERVICE, "services.nodeports": "1", "services.loadbalancers": "1"},
            id="LoadBalancer that names one node port",
        ),
        pytest.param("persistentvolumeclaims", claim(), ONE_CLAIM, id="a claim"),
        pytest.param(
            "persistentvolumeclaims",
            claim(spec={"storageClassName": "gold"}),
            {
                **ONE_CLAIM,
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
            },
            id="a claim of a class",
        ),
        pytest.param(
            "persistentvolumeclaims",
            claim(status={"allocatedResources": {"storage": "2Gi"}}),
            {**ONE_CLAIM, "requests.storage": "2Gi"},
            id="a claim whose expansion was taken back",
        ),
        pytest.param(
            "resourceclaims.resource.k8s.io",
            {"spec": {"devices": {"requests": [GPUS, ALTERNATIVES]}}},
            {
                "count/resourceclaims.resource.k8s.io": "1",
                "gpu.deviceclass.resource.k8s.io/devices": "5",
                "nic.deviceclass.resource.k8s.io/devices": "32",
            },
            id="devices",
        ),
        pytest.param("secrets", {}, {"count/secrets": "1", "secrets": "1"}, id="counted by two names"),
        pytest.param("deployments.apps", {}, {"count/deployments.apps": "1"}, id="counted"),
    ],
)
def test_usage(resource: str, obj: JSON, expected: JSON) -> None:
    evaluator = evaluator_of(resource)
    assert evaluator
    assert texts_of(evaluator.usage(obj, NOW)) == dict(sorted(expected.items()))
    assert [name for name in expected if not evaluator.tracks(name) and name != "kubernetes.io/own"] == []


def test_events_never_count() -> None:
    assert (evaluator_of("events"), evaluator_of("events.events.k8s.io")) == (None, None)


def test_who_counts_for_a_quota() -> None:
    names = ["limits.cpu", "requests.example.com/gpu", "count/pods", "secrets", "count/jobs.batch", "requests.storage"]
    assert [e.resource for e in evaluators_for([*names, "whatever"])] == [
        "pods",
        "persistentvolumeclaims",
        "jobs.batch",
        "secrets",
    ]


DEADLINE = pod({}, activeDeadlineSeconds=5)
RANKED = pod({}, priorityClassName="high")
TERM = {"topologyKey": "z", "namespaces": ["other"]}
CROSSING = pod({}, affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}})


def among(operator: str, *values: str, scope: str = "PriorityClass") -> JSON:
    return {"scopeName": scope, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("requirement", "obj", "expected"),
    [
        pytest.param(among("Exists", scope="Terminating"), DEADLINE, True, id="terminating"),
        pytest.param(among("Exists", scope="Terminating"), pod({}), False, id="not terminating"),
        pytest.param(among("Exists", scope="NotTerminating"), pod({}), True, id="NotTerminating"),
        pytest.param(among("Exists", scope="BestEffort"), pod({}), True, id="best effort"),
        pytest.param(among("Exists", scope="NotBestEffort"), pod(requests(cpu="1")), True, id="not best effort"),
        pytest.param(among("Exists"), RANKED, True, id="has a class"),
        pytest.param(among("Exists"), pod({}), False, id="has none"),
        pytest.param(among("DoesNotExist"), pod({}), True, id="must have none"),
        pytest.param(among("In", "high", "low"), RANKED, True, id="in"),
        pytest.param(among("In", "low"), RANKED, False, id="not in these"),
        pytest.param(among("NotIn", "low"), RANKED, True, id="NotIn"),
        pytest.param(among("NotIn", "low"), pod({}), True, id="none is not in"),
        pytest.param(among("Exists", scope="CrossNamespacePodAffinity"), CROSSING, True, id="affinity across"),
        pytest.param(among("Exists", scope="CrossNamespacePodAffinity"), pod({}), False, id="no affinity"),
    ],
)
def test_scopes_of_pods(requirement: JSON, obj: JSON, expected: bool) -> None:
    evaluator = evaluator_of("pods")
    assert evaluator
    assert evaluator.in_scope(requirement, obj) is expected


def test_scopes_of_claims() -> None:
    evaluator, gold = evaluator_of("persistentvolumeclaims"), among("In", "gold", scope="VolumeAttributesClass")
    assert evaluator
    assert evaluator.in_scope(gold, claim(status={"currentVolumeAttributesClassName": "gold"}))
    assert not evaluator.in_scope(gold, claim(spec={"volumeAttributesClassName": "lead"}))
    assert not evaluator.in_scope(among("Exists", scope="BestEffort"), claim())
