"""What the API server refuses, and in which words."""

from __future__ import annotations

import pytest

from tests.unit.api.manifests import POD, container, faults, job, pod, prepared, service, workload


def named_port(name: str) -> str:
    return container(f"ports: [{{containerPort: 80, name: {name}}}]")


PODS = {
    "fine": (POD, []),
    "no containers": (pod("containers: []"), ["spec.containers: Required value"]),
    "no image": (pod("containers: [{name: web}]"), ["spec.containers[0].image: Required value"]),
    "two of a name": (
        pod("containers: [{name: web, image: a}, {name: web, image: b}]"),
        ['spec.containers[1].name: Duplicate value: "web"'],
    ),
    "an init container of the same name": (
        pod("initContainers: [{name: web, image: a}], containers: [{name: web, image: b}]"),
        ['spec.containers[0].name: Duplicate value: "web"'],
    ),
    "restart policy": (
        pod("restartPolicy: Sometimes, containers: [{name: web, image: a}]"),
        ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
    ),
    "mount of no volume": (
        container("volumeMounts: [{name: data, mountPath: /data}]"),
        ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    ),
    "two sources": (
        pod("containers: [{name: web, image: a}], volumes: [{name: v, emptyDir: {}, hostPath: {path: /d}}]"),
        ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ),
    "nobody to ask for a volume": (
        pod("containers: [{name: web, image: a}], volumes: [{name: v, cephfs: {}}]"),
        ["spec.volumes[0].cephfs.monitors: Required value"],
    ),
    "host path that climbs": (
        pod("containers: [{name: web, image: a}], volumes: [{name: v, hostPath: {path: /d/../e}}]"),
        ["spec.volumes[0].hostPath.path: Invalid value: \"/d/../e\": must not contain '..'"],
    ),
    "port out of range": (
        container("ports: [{containerPort: 70000}]"),
        ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    ),
    "long port name": (
        named_port("a-port-name-too-long"),
        ['spec.containers[0].ports[0].name: Invalid value: "a-port-name-too-long": must be no more than 15 bytes'],
    ),
    "host port taken twice": (
        pod(
            "containers: [{name: a, image: a, ports: [{containerPort: 80, hostPort: 80}]},"
            " {name: b, image: b, ports: [{containerPort: 81, hostPort: 80}]}]"
        ),
        ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ),
    "more asked than allowed": (
        container("resources: {requests: {cpu: 2}, limits: {cpu: 1}}"),
        ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ),
    "unknown resource": (
        container("resources: {limits: {bananas: 1}}"),
        [
            'spec.containers[0].resources.limits[bananas]: Invalid value: "bananas": '
            "must be a standard resource for containers",
            'spec.containers[0].resources.requests[bananas]: Invalid value: "bananas": '
            "must be a standard resource for containers",
        ],
    ),
    "probe without action": (
        container("livenessProbe: {periodSeconds: 1}"),
        ["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
    ),
    "probe with two": (
        container("livenessProbe: {tcpSocket: {port: 80}, exec: {command: [a]}}"),
        ["spec.containers[0].livenessProbe.exec: Forbidden: may not specify more than 1 handler type"],
    ),
    "liveness needs one success": (
        container("livenessProbe: {tcpSocket: {port: 80}, successThreshold: 2}"),
        ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    "negative period": (
        container("readinessProbe: {tcpSocket: {port: 80}, periodSeconds: -1}"),
        ["spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"],
    ),
    "probe of an init container": (
        pod(
            "initContainers: [{name: a, image: a, livenessProbe: {tcpSocket: {port: 1}}}],"
            " containers: [{name: b, image: b}]"
        ),
        [
            "spec.initContainers[0].livenessProbe: Forbidden: "
            "may not be set for init containers without restartPolicy=Always"
        ],
    ),
    "value and source": (
        container("env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
        ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ),
    "label": (
        "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: my value}}, "
        "spec: {containers: [{name: a, image: a}]}}",
        [
            'metadata.labels: Invalid value: "my value": a valid label must be an empty string or consist of '
            "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ],
    ),
    "toleration": (
        pod("containers: [{name: a, image: a}], tolerations: [{operator: Equal}]"),
        [
            'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
            'which means "match all"'
        ],
    ),
}


@pytest.mark.parametrize("case", PODS)
def test_pod(case: str) -> None:
    manifest, expected = PODS[case]
    assert faults(prepared(manifest)) == expected


MISMATCH = "`selector` does not match template `labels`"
TEMPLATE = "{metadata: {labels: {app: other}}, spec: {containers: [{name: web, image: nginx}]}}"
ONCE = "{metadata: {labels: {app: web}}, spec: {restartPolicy: OnFailure, containers: [{name: web, image: nginx}]}}"


def deployment(selector: str, template: str) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{selector: {selector}, template: {template}}}
"""


WORKLOADS = {
    "deployment": (workload("apps/v1", "Deployment"), []),
    "selects others": (
        deployment("{matchLabels: {app: web}}", TEMPLATE),
        [f'spec.template.metadata.labels: Invalid value: {{"app":"other"}}: {MISMATCH}'],
    ),
    "selects everything": (
        deployment("{}", TEMPLATE),
        ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ),
    "runs once": (
        deployment("{matchLabels: {app: web}}", ONCE),
        ['spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"'],
    ),
    "cannot move": (
        workload("apps/v1", "Deployment", "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}"),
        [
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ],
    ),
    "no percentage": (
        workload("apps/v1", "Deployment", "strategy: {rollingUpdate: {maxSurge: half}}"),
        [
            'spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": a valid percent string must be a numeric '
            "string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        ],
    ),
    "recreates and rolls": (
        workload("apps/v1", "Deployment", "strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
        [
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ],
    ),
    "fewer than none": (
        workload("apps/v1", "ReplicaSet", "replicas: -1"),
        ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    ),
    "job": (job(), []),
    "job that never ends": (
        "{apiVersion: batch/v1, kind: Job, metadata: {name: pi}, "
        "spec: {template: {spec: {containers: [{name: pi, image: perl}]}}}}",
        ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ),
    "job with somebody's selector": (
        job("selector: {matchLabels: {app: web}}"),
        [
            'spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"the-uid",'
            '"batch.kubernetes.io/job-name":"pi","controller-uid":"the-uid","job-name":"pi"}: ' + MISMATCH
        ],
    ),
    "indexed job of unknown size": (
        job("completionMode: Indexed, parallelism: 2"),
        ["spec.completions: Required value: when completion mode is Indexed"],
    ),
}


@pytest.mark.parametrize("case", WORKLOADS)
def test_workload(case: str) -> None:
    manifest, expected = WORKLOADS[case]
    assert faults(prepared(manifest)) == expected


def test_stateful_pods_may_mount_their_claims() -> None:
    mounts = "volumeMounts: [{name: data, mountPath: /data}]"
    made = prepared(f"""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {{name: db}}
        spec:
          serviceName: db
          selector: {{matchLabels: {{app: db}}}}
          template:
            metadata: {{labels: {{app: db}}}}
            spec: {{containers: [{{name: db, image: busybox, {mounts}}}]}}
          volumeClaimTemplates:
          - metadata: {{name: data}}
            spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 100Mi}}}}}}
        """)
    assert faults(made) == []


SERVICES = {
    "fine": ("ports: [{port: 80}]", []),
    "no ports": ("type: ClusterIP", ["spec.ports: Required value"]),
    "headless without ports": ("clusterIP: None", []),
    "nameless ports": (
        "ports: [{port: 80}, {port: 81}]",
        ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
    ),
    "two of a name": (
        "ports: [{name: a, port: 80}, {name: a, port: 81}]",
        ['spec.ports[1].name: Duplicate value: "a"'],
    ),
    "two of a number": (
        "ports: [{name: a, port: 80}, {name: b, port: 80}]",
        ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
    ),
    "node port of a cluster IP": (
        "ports: [{port: 80, nodePort: 30000}]",
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ),
    "type": (
        "type: Magic, ports: [{port: 80}]",
        [
            'spec.type: Unsupported value: "Magic": supported values: '
            '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
        ],
    ),
    "no name": ("type: ExternalName", ["spec.externalName: Required value"]),
    "no address": (
        "clusterIP: here, ports: [{port: 80}]",
        ["spec.clusterIPs[0]: Invalid value: \"here\": must be empty, 'None', or a valid IP address"],
    ),
}


@pytest.mark.parametrize("case", SERVICES)
def test_service(case: str) -> None:
    spec, expected = SERVICES[case]
    assert faults(prepared(service(spec))) == expected


KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)

OTHERS = {
    "config map's key": (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {'a b': c}}",
        [f'data[a b]: Invalid value: "a b": {KEY}'],
    ),
    "key of both sorts": (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: a}, binaryData: {k: YQ==}}",
        ['data[k]: Invalid value: "k": duplicate of key present in binaryData'],
    ),
    "large config map": (
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{k: {'x' * (1024 * 1024 + 1)}}}}}",
        ["Too long: may not be more than 1048576 bytes"],
    ),
    "TLS secret": (
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/tls, data: {tls.crt: YQ==}}",
        ["data[tls.key]: Required value"],
    ),
    "no JSON in it": (
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/dockerconfigjson,"
        " data: {.dockerconfigjson: YQ==}}",
        [
            'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
            "Expecting value: line 1 column 1 (char 0)"
        ],
    ),
    "schedule": (
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '* * *', jobTemplate: {spec: "
        "{template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}",
        ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
    ),
    "endpoints nowhere": (
        "{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{ports: [{port: 80}]}]}",
        ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
    ),
    "endpoints at home": (
        "{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{addresses: [{ip: 127.0.0.1}]}]}",
        [
            'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": '
            "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        ],
    ),
    "rule without verbs": (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a},"
        " rules: [{apiGroups: [''], resources: [pods], verbs: []}]}",
        ["rules[0].verbs: Required value: verbs must contain at least one value"],
    ),
    "cluster-wide account of no namespace": (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: a},"
        " roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: a}]}",
        ["subjects[0].namespace: Required value"],
    ),
    "claim of nothing": (
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [ReadWriteOnce]}}",
        ["spec.resources[storage]: Required value"],
    ),
    "ingress to nowhere": (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {}}",
        ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    ),
    "event of another namespace": (
        "{apiVersion: v1, kind: Event, metadata: {name: a, namespace: here}, involvedObject: {namespace: there}}",
        ['involvedObject.namespace: Invalid value: "there": does not match event.namespace'],
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_kinds(case: str) -> None:
    manifest, expected = OTHERS[case]
    assert faults(prepared(manifest)) == expected
