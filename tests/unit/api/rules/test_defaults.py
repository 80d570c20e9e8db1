"""What the API server adds to what users write."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from knarr.api.images import is_latest
from tests.unit.api.manifests import container, defaulted, job, pod, prepared, service, workload

JSON = dict[str, Any]


def defaulted_spec(manifest: str) -> JSON:
    spec: JSON = defaulted(manifest)["spec"]
    return spec


POD_SPEC = """
restartPolicy: Always
dnsPolicy: ClusterFirst
terminationGracePeriodSeconds: 30
schedulerName: default-scheduler
securityContext: {}
"""

WEB = """
name: web
image: nginx
imagePullPolicy: Always
terminationMessagePath: /dev/termination-log
terminationMessagePolicy: File
resources: {}
"""


def test_pod() -> None:
    expected = yaml.safe_load(POD_SPEC) | {"enableServiceLinks": True, "containers": [yaml.safe_load(WEB)]}
    assert defaulted_spec(container()) == expected


def test_a_template_gets_the_spec_but_not_what_is_a_pods_alone() -> None:
    template = defaulted_spec(workload("apps/v1", "Deployment"))["template"]
    assert template["spec"] == yaml.safe_load(POD_SPEC) | {"containers": [yaml.safe_load(WEB)]}


@pytest.mark.parametrize(
    ("image", "latest"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("nginx:1.7.9", False),
        ("registry.example:5000/nginx", True),
        ("registry.example:5000/nginx:1", False),
        ("nginx@sha256:4c1c50d0ffc614f90b93b07d778028dc765548e823f676fb027f61d281ac380d", False),
    ],
)
def test_untagged_images_are_always_pulled(image: str, latest: bool) -> None:
    assert is_latest(image) is latest
    (made,) = defaulted_spec(pod(f"containers: [{{name: web, image: '{image}'}}]"))["containers"]
    assert made["imagePullPolicy"] == ("Always" if latest else "IfNotPresent")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            "ports: [{containerPort: 80}]", {"ports": [{"containerPort": 80, "protocol": "TCP"}]}, id="port's protocol"
        ),
        pytest.param(
            "livenessProbe: {httpGet: {port: 8080}, periodSeconds: 5}",
            {
                "livenessProbe": {
                    "httpGet": {"port": 8080, "path": "/", "scheme": "HTTP"},
                    "periodSeconds": 5,
                    "timeoutSeconds": 1,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                }
            },
            id="probe",
        ),
        pytest.param(
            "resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}",
            {
                "resources": {
                    "limits": {"cpu": "1", "memory": "1Gi"},
                    "requests": {"cpu": "500m", "memory": "1Gi"},
                }
            },
            id="requests from limits",
        ),
        pytest.param(
            "env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]",
            {"env": [{"name": "IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}]},
            id="version of a field reference",
        ),
    ],
)
def test_container(fields: str, expected: JSON) -> None:
    (made,) = defaulted_spec(container(fields))["containers"]
    assert made == yaml.safe_load(WEB) | expected


def test_ports_on_the_hosts_network_are_the_hosts() -> None:
    spec = "hostNetwork: true, containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]"
    assert defaulted_spec(pod(spec))["containers"][0]["ports"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}
    ]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("{name: v}", {"name": "v", "emptyDir": {}}),
        ("{name: v, configMap: {name: c}}", {"name": "v", "configMap": {"name": "c", "defaultMode": 420}}),
        ("{name: v, secret: {secretName: s}}", {"name": "v", "secret": {"secretName": "s", "defaultMode": 420}}),
        ("{name: v, hostPath: {path: /d}}", {"name": "v", "hostPath": {"path": "/d", "type": ""}}),
    ],
    ids=["nothing", "config map", "secret", "host path"],
)
def test_volumes(given: str, made: JSON) -> None:
    spec = f"containers: [{{name: web, image: nginx}}], volumes: [{given}]"
    assert defaulted_spec(pod(spec))["volumes"] == [made]


def test_service_account_has_two_names() -> None:
    spec = defaulted_spec(pod("serviceAccount: reader, containers: [{name: web, image: nginx}]"))
    assert (spec["serviceAccount"], spec["serviceAccountName"]) == ("reader", "reader")


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(
            workload("apps/v1", "Deployment"),
            {
                "replicas": 1,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
            },
            id="Deployment",
        ),
        pytest.param(
            workload("apps/v1", "Deployment", "strategy: {type: Recreate}, replicas: 0"),
            {
                "replicas": 0,
                "strategy": {"type": "Recreate"},
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
            },
            id="Deployment that recreates",
        ),
        pytest.param(workload("apps/v1", "ReplicaSet"), {"replicas": 1}, id="ReplicaSet"),
        pytest.param(
            workload("apps/v1", "DaemonSet"),
            {
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
                "revisionHistoryLimit": 10,
            },
            id="DaemonSet",
        ),
        pytest.param(
            workload("apps/v1", "StatefulSet"),
            {
                "replicas": 1,
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "revisionHistoryLimit": 10,
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            },
            id="StatefulSet",
        ),
    ],
)
def test_workload(manifest: str, expected: JSON) -> None:
    spec = defaulted_spec(manifest)
    assert {key: value for key, value in spec.items() if key not in ("selector", "template")} == expected


def test_replication_controller_takes_labels_and_selector_from_its_template() -> None:
    made = defaulted("""
        apiVersion: v1
        kind: ReplicationController
        metadata: {name: nginx}
        spec:
          template:
            metadata: {labels: {app: nginx}}
            spec: {containers: [{name: web, image: nginx}]}
        """)
    assert (made["metadata"]["labels"], made["spec"]["selector"]) == ({"app": "nginx"}, {"app": "nginx"})
    assert made["spec"]["replicas"] == 1


JOB = {
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "manualSelector": False,
    "podReplacementPolicy": "TerminatingOrFailed",
    "suspend": False,
}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("", {"completions": 1, "parallelism": 1}, id="one Pod"),
        pytest.param("completions: 5", {"completions": 5, "parallelism": 1}, id="so many, one by one"),
        pytest.param("parallelism: 2", {"parallelism": 2}, id="a work queue"),
    ],
)
def test_job(spec: str, expected: JSON) -> None:
    made = defaulted_spec(job(spec))
    assert {key: value for key, value in made.items() if key != "template"} == JOB | expected


def test_job_finds_its_pods_by_its_uid() -> None:
    made = prepared(job())
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "the-uid"}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": "the-uid",
        "batch.kubernetes.io/job-name": "pi",
        "controller-uid": "the-uid",
        "job-name": "pi",
    }


def test_job_with_a_selector_of_its_own_is_left_alone() -> None:
    made = prepared(job("manualSelector: true, selector: {matchLabels: {app: pi}}"))
    assert made["spec"]["selector"] == {"matchLabels": {"app": "pi"}}
    assert "metadata" not in made["spec"]["template"]


def test_cron_job_leaves_its_jobs_to_themselves() -> None:
    made = defaulted_spec("""
        apiVersion: batch/v1beta1
        kind: CronJob
        metadata: {name: hello}
        spec:
          schedule: "*/1 * * * *"
          jobTemplate:
            spec:
              template: {spec: {restartPolicy: OnFailure, containers: [{name: hello, image: busybox}]}}
        """)
    assert list(made["jobTemplate"]["spec"]) == ["template"]
    assert {key: value for key, value in made.items() if key not in ("jobTemplate", "schedule")} == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("selector: {app: web}", {"type": "ClusterIP", "internalTrafficPolicy": "Cluster"}, id="ClusterIP"),
        pytest.param(
            "type: NodePort",
            {"type": "NodePort", "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster"},
            id="NodePort",
        ),
        pytest.param(
            "type: LoadBalancer",
            {
                "type": "LoadBalancer",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
                "allocateLoadBalancerNodePorts": True,
            },
            id="LoadBalancer",
        ),
        pytest.param(
            "clusterIP: None, selector: {app: web}",
            {"type": "ClusterIP", "internalTrafficPolicy": "Cluster"},
            id="headless",
        ),
    ],
)
def test_service(spec: str, expected: JSON) -> None:
    made = defaulted_spec(service(f"ports: [{{port: 80}}], {spec}"))
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    given = yaml.safe_load(f"{{{spec}}}")
    assert made == {**given, "ports": ports, "sessionAffinity": "None", **expected}


def test_service_by_another_name_has_no_address() -> None:
    made = defaulted_spec(service("type: ExternalName, externalName: my.database.example.com"))
    assert made == {"type": "ExternalName", "externalName": "my.database.example.com", "sessionAffinity": "None"}


def test_client_affinity_lasts_three_hours() -> None:
    made = defaulted_spec(service("sessionAffinity: ClientIP, ports: [{port: 80}]"))
    assert made["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}


def test_secret_text_becomes_data() -> None:
    made = prepared("{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {user: admin}}")
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "uid": "the-uid"},
        "type": "Opaque",
        "data": {"user": "YWRtaW4="},
    }


def test_namespace_is_active_and_held_by_its_finalizer() -> None:
    made = prepared("{apiVersion: v1, kind: Namespace, metadata: {name: team-a}}")
    assert (made["spec"], made["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})


def test_role_bindings_know_their_groups() -> None:
    made = defaulted("""
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: read-pods}
        roleRef: {kind: Role, name: pod-reader}
        subjects: [{kind: ServiceAccount, name: reader}, {kind: User, name: ann}]
        """)
    assert made["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert [subject.get("apiGroup") for subject in made["subjects"]] == [None, "rbac.authorization.k8s.io"]


def test_empty_text_is_absent_to_defaults_that_are_derived() -> None:
    (made,) = defaulted_spec(container('imagePullPolicy: ""'))["containers"]
    assert made["imagePullPolicy"] == "Always"


def test_a_port_that_is_missing_has_none_on_the_host() -> None:
    (made,) = defaulted_spec(pod("hostNetwork: true, containers: [{name: c, image: i, ports: [{name: a}]}]"))[
        "containers"
    ]
    assert made["ports"] == [{"name": "a", "protocol": "TCP"}]
