"""What users are warned of."""

from __future__ import annotations

import pytest

from knarr.api.kind import Kind
from knarr.api.kinds import (
    deployments,
    ingresses,
    jobs,
    persistentvolumeclaims,
    persistentvolumes,
    pods,
    replicasets,
    runtimeclasses,
    services,
    statefulsets,
)
from tests.unit.api.manifests import container, defaulted, job, pod, service, workload

TWICE = container("env: [{name: A, value: a}, {name: B, value: b}, {name: A, value: c}]")
HIDES = 'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'


def warned(kind: Kind, manifest: str, old: str | None = None) -> list[str]:
    assert kind.warnings is not None
    return list(kind.warnings(defaulted(manifest), defaulted(old) if old else None))


def test_a_variable_that_hides_another() -> None:
    assert warned(pods.KIND, TWICE) == [HIDES]


def test_what_was_so_before_is_not_said_again() -> None:
    assert warned(pods.KIND, TWICE, old=TWICE) == []
    assert warned(pods.KIND, TWICE, old=container()) == [HIDES]


def test_git_volumes_are_of_the_past() -> None:
    volumes = "volumes: [{name: v, gitRepo: {repository: 'https://git.example/r'}}]"
    assert warned(pods.KIND, pod(f"containers: [{{name: web, image: nginx}}], {volumes}")) == [
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    ]


DOTTED = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
    "a DNS label is recommended: [must not contain dots]"
)


@pytest.mark.parametrize("kind", [deployments.KIND, replicasets.KIND], ids=["Deployment", "ReplicaSet"])
def test_names_that_are_no_hostnames(kind: Kind) -> None:
    dotted = workload("apps/v1", kind.kind).replace("name: web, namespace", "name: web.v1, namespace")
    assert warned(kind, dotted) == [DOTTED]


def test_names_of_jobs_that_are_no_hostnames() -> None:
    assert warned(jobs.KIND, job().replace("name: pi, namespace", "name: pi.v1, namespace")) == [DOTTED]


def test_more_indexes_than_can_be_told() -> None:
    crowd = job("completionMode: Indexed, completions: 100001, parallelism: 10001")
    assert warned(jobs.KIND, crowd) == [
        "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
        "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
    ]


def said(fields: str) -> str:
    return pod(f"containers: [{{name: web, image: nginx}}], {fields}")


CASES = {
    "labels of old": (
        said("nodeSelector: {beta.kubernetes.io/os: linux}"),
        ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    ),
    "a selector of nothing": (
        said("topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]"),
        ["spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"],
    ),
    "secrets": (
        said("imagePullSecrets: [{name: a}, {name: a}, {}]"),
        [
            'spec.imagePullSecrets[1].name: duplicate name "a"',
            'spec.imagePullSecrets[2].name: invalid empty name ""',
        ],
    ),
    "half a byte": (
        container("resources: {requests: {memory: 100m}}"),
        ['spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
    ),
    "the same port": (
        pod("containers: [{name: a, image: i, ports: [&p {containerPort: 80}]}, {name: b, image: i, ports: [*p]}]"),
        ["spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]"],
    ),
    "the same name": (
        pod(
            "containers: [{name: a, image: i, ports: [{containerPort: 80, name: p}]},"
            " {name: b, image: i, ports: [{containerPort: 81, name: p}]}]"
        ),
        [
            'spec.containers[1].ports[0].name: duplicate port name "p" with spec.containers[0].ports[0], '
            "services and probes that select ports by name will use spec.containers[0].ports[0]"
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_pods(case: str) -> None:
    manifest, expected = CASES[case]
    assert warned(pods.KIND, manifest) == expected
    assert warned(pods.KIND, manifest, old=manifest) == []


def test_annotations_that_are_fields_now() -> None:
    annotated = pod("containers: [{name: web, image: nginx}]").replace(
        "name: web, namespace: default",
        "name: web, namespace: default, annotations: {container.apparmor.security.beta.kubernetes.io/web: x}",
        1,
    )
    assert warned(pods.KIND, annotated) == [
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/web]: "
        'deprecated since v1.30; use the "appArmorProfile" field instead'
    ]


def test_what_services_ignore() -> None:
    headless = service("clusterIP: None, sessionAffinity: ClientIP, ports: [{port: 80}]")
    assert warned(services.KIND, headless) == ["spec.SessionAffinity is ignored for headless services"]
    named = service("externalName: a.example, ports: [{port: 80}]")
    assert warned(services.KIND, named) == ['spec.externalName is ignored when spec.type is not "ExternalName"']


def test_storage() -> None:
    volume = (
        "{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {persistentVolumeReclaimPolicy: Recycle}}"
    )
    (warning,) = warned(persistentvolumes.KIND, volume)
    assert warning.startswith("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated.")
    claim = (
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, annotations:"
        " {volume.beta.kubernetes.io/storage-class: c}}, spec: {resources: {requests: {storage: 1500m}}}}"
    )
    assert warned(persistentvolumeclaims.KIND, claim) == [
        "metadata.annotations[volume.beta.kubernetes.io/storage-class]: "
        'deprecated since v1.8; use "storageClassName" attribute instead',
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]


def test_the_class_of_an_ingress_is_a_field() -> None:
    annotated = (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, annotations:"
        " {kubernetes.io/ingress.class: c}}, spec: {}}"
    )
    assert warned(ingresses.KIND, annotated) == [
        "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
    ]


def test_addresses_from_elsewhere_have_had_their_day() -> None:
    manifest = service("ports: [{port: 80}], externalIPs: [192.0.2.1]")
    assert warned(services.KIND, manifest) == ["spec.externalIPs is deprecated"]
    assert warned(services.KIND, manifest.replace("port: 80", "port: 81"), old=manifest) == []


def test_a_set_keeps_all_its_history() -> None:
    manifest = workload("apps/v1", "StatefulSet", "revisionHistoryLimit: -1")
    assert warned(statefulsets.KIND, manifest) == [
        "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
    ]


OLD_LABEL = "[{matchExpressions: [{key: beta.kubernetes.io/os, operator: Exists}]}]"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
INSTEAD = 'beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead'


def test_labels_of_old_where_nodes_are_chosen() -> None:
    affinity = f"affinity: {{nodeAffinity: {{{REQUIRED}{OLD_LABEL}}}}}}}"
    assert warned(pods.KIND, said(affinity)) == [
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
        f".matchExpressions[0].key: {INSTEAD}"
    ]
    volume = f"spec: {{nodeAffinity: {{required: {{nodeSelectorTerms: {OLD_LABEL}}}}}}}"
    assert warned(
        persistentvolumes.KIND, f"{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: a}}, {volume}}}"
    ) == [f"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: {INSTEAD}"]
    runtime = "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: a}, handler: h, scheduling: "
    assert warned(runtimeclasses.KIND, runtime + "{nodeSelector: {beta.kubernetes.io/os: linux}}}") == [
        'scheduling.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
    ]


def test_hints_are_a_mode_now() -> None:
    hints = "annotations: {service.kubernetes.io/topology-aware-hints: auto}"
    manifest = service("ports: [{port: 80}]").replace("name: web,", f"name: web, {hints},", 1)
    assert warned(services.KIND, manifest) == [
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
        "please use service.kubernetes.io/topology-mode instead"
    ]
