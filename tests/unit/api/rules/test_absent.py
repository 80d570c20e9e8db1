"""What is missing where a whole part of an object is."""

from __future__ import annotations

import pytest

from tests.unit.api.manifests import faults, prepared

LABELS = "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"
RESTARTS = 'Required value: valid values: "OnFailure", "Never"'
CASES: dict[tuple[str, str, str], list[str]] = {
    ("v1", "Pod", ""): ["spec.containers: Required value"],
    ("apps/v1", "Deployment", "spec: {selector: {matchLabels: {a: b}}}"): [
        LABELS,
        "spec.template.spec.containers: Required value",
    ],
    ("apps/v1", "ReplicaSet", ""): [
        "spec.selector: Required value",
        LABELS,
        "spec.template.spec.containers: Required value",
    ],
    ("v1", "PodTemplate", ""): ["template.spec.containers: Required value"],
    ("batch/v1", "CronJob", "spec: {schedule: '@daily'}"): [
        "spec.jobTemplate.spec.template.spec.containers: Required value",
        f"spec.jobTemplate.spec.template.spec.restartPolicy: {RESTARTS}",
    ],
    ("autoscaling/v2", "HorizontalPodAutoscaler", "spec: {maxReplicas: 1}"): [
        "spec.scaleTargetRef.kind: Required value",
        "spec.scaleTargetRef.name: Required value",
    ],
    ("rbac.authorization.k8s.io/v1", "RoleBinding", ""): [
        'roleRef.kind: Unsupported value: "": supported values: "ClusterRole", "Role"',
        "roleRef.name: Required value",
    ],
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", ""): [
        "spec.priorityLevelConfiguration.name: Required value: must reference a priority level"
    ],
    ("networking.k8s.io/v1", "NetworkPolicy", "spec: {ingress: [{from: [{ipBlock: {}}]}]}"): [
        "spec.ingress[0].from[0].ipBlock.cidr: Required value"
    ],
    ("apps/v1", "ControllerRevision", ""): ["data: Required value: data is mandatory"],
    ("v1", "Namespace", "spec: {finalizers: [x]}"): [
        'spec.finalizers: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified'
    ],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]} {case[2]}".strip())
def test_absent(case: tuple[str, str, str]) -> None:
    api_version, kind, rest = case
    manifest = f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: a, namespace: b}}, {rest}}}"
    assert sorted(faults(prepared(manifest))) == CASES[case]
