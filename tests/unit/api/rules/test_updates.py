"""What may not change once it is there."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from knarr.api.kinds.services import KIND
from tests.unit.api.manifests import POD, job, prepared, service, update_faults, workload

JSON = dict[str, Any]
Change = Callable[[JSON], object]

PERMITTED = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
)


def changed(manifest: str, change: Change) -> list[str]:
    old = prepared(manifest)
    new = deepcopy(old)
    change(new)
    return update_faults(new, old)


POD_CHANGES: dict[str, tuple[Change, list[str]]] = {
    "nothing": (lambda pod: None, []),
    "image": (lambda pod: pod["spec"]["containers"][0].update(image="nginx:2"), []),
    "a deadline": (lambda pod: pod["spec"].update(activeDeadlineSeconds=60), []),
    "one more toleration": (lambda pod: pod["spec"].update(tolerations=[{"operator": "Exists"}]), []),
    "node": (
        lambda pod: pod["spec"].update(nodeName="node-1"),
        [f'{PERMITTED}+ spec.nodeName: "node-1"'],
    ),
    "command": (
        lambda pod: pod["spec"]["containers"][0].update(command=["sh"]),
        [f'{PERMITTED}+ spec.containers[0].command[0]: "sh"'],
    ),
    "a container more": (
        lambda pod: pod["spec"]["containers"].append({"name": "b", "image": "b"}),
        ["spec.containers: Forbidden: pod updates may not add or remove containers"],
    ),
    "a gate more": (
        lambda pod: pod["spec"].update(schedulingGates=[{"name": "example.com/hold"}]),
        [
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, "
            "but found new scheduling gate 'example.com/hold'"
        ],
    ),
}


@pytest.mark.parametrize("case", POD_CHANGES)
def test_pod(case: str) -> None:
    change, expected = POD_CHANGES[case]
    assert changed(POD, change) == expected


OTHER = {"matchLabels": {"app": "other"}}
FIXED = 'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable'


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet"])
def test_selectors_stay(kind: str) -> None:
    assert changed(workload("apps/v1", kind), lambda tree: tree["spec"].update(selector=OTHER)) == [FIXED]


def test_workloads_scale_and_change_their_template() -> None:
    def change(tree: JSON) -> None:
        tree["spec"]["replicas"] = 5
        tree["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"

    assert changed(workload("apps/v1", "Deployment"), change) == []


def test_jobs_keep_their_template_and_size() -> None:
    def change(tree: JSON) -> None:
        tree["spec"]["completions"] = 3
        tree["spec"]["parallelism"] = 3

    assert changed(job(), change) == ["spec.completions: Invalid value: 3: field is immutable"]
    faults = changed(job(), lambda tree: tree["spec"]["template"]["spec"].update(restartPolicy="OnFailure"))
    assert [fault.partition(":")[0] for fault in faults] == ["spec.template"]


def test_a_suspended_job_can_still_be_placed() -> None:
    def place(tree: JSON) -> None:
        tree["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}

    assert changed(job("suspend: true"), place) == []
    assert [fault.partition(":")[0] for fault in changed(job(), place)] == ["spec.template"]


FAMILY = "ipFamilies: [IPv4], ipFamilyPolicy: SingleStack"
ADDRESS = f"clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], {FAMILY}, ports: [{{port: 80}}]"


def test_cluster_ip_stays() -> None:
    faults = changed(service(ADDRESS), lambda tree: tree["spec"].update(clusterIPs=["10.96.0.8"]))
    assert faults == ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set']


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ("NodePort", "ClusterIP", {"externalTrafficPolicy"}),
        ("LoadBalancer", "NodePort", {"allocateLoadBalancerNodePorts"}),
        (
            "ClusterIP",
            "ExternalName",
            {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"},
        ),
    ],
)
def test_what_hung_on_the_type_of_a_service_goes_with_it(before: str, after: str, gone: set[str]) -> None:
    assert KIND.prepare_update is not None
    old = prepared(service(f"type: {before}, {ADDRESS}"))
    new = deepcopy(old)
    new["spec"]["type"] = after
    KIND.prepare_update(new, old)
    assert old["spec"].keys() - new["spec"].keys() == gone


def test_immutable_configuration() -> None:
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {k: v}}"
    assert changed(manifest, lambda tree: tree.update(data={"k": "w"}, immutable=False)) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]


def test_secrets_keep_their_type() -> None:
    manifest = "{apiVersion: v1, kind: Secret, metadata: {name: a}}"
    assert changed(manifest, lambda tree: tree.update(type="other")) == [
        'type: Invalid value: "other": field is immutable'
    ]


def test_bindings_keep_their_role() -> None:
    manifest = (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a},"
        " roleRef: {kind: Role, name: view}}"
    )
    faults = changed(manifest, lambda tree: tree["roleRef"].update(name="edit"))
    assert [fault.partition(": ")[0] for fault in faults] == ["roleRef"]
    assert faults[0].endswith("cannot change roleRef")
