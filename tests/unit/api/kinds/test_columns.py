"""What `kubectl get` prints of each kind, wide columns included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from knarr.api.cells import format_selector, shown
from knarr.api.kinds.table import kind_of

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
METADATA = {"name": "web", "creationTimestamp": "2026-01-01T00:00:00Z"}

TEMPLATE = "template: {spec: {containers: [{name: a, image: nginx}, {name: b, image: busybox}]}}"
SELECTOR = "selector: {matchLabels: {app: web}}"


def row(resource: str, manifest: str) -> JSON:
    plural, _, group = resource.partition(".")
    kind = kind_of(group, plural)
    assert kind is not None
    tree = {"metadata": dict(METADATA)} | (yaml.safe_load(manifest) or {})
    return {column.name + ("*" if column.priority else ""): column.cell(tree, NOW) for column in kind.columns}


CASES = {
    "deployments.apps": (
        f"{{spec: {{replicas: 3, {SELECTOR}, {TEMPLATE}}}, status: {{readyReplicas: 2, updatedReplicas: 1}}}}",
        {
            "Name": "web",
            "Ready": "2/3",
            "Up-to-date": 1,
            "Available": 0,
            "Age": "60m",
            "Containers*": "a,b",
            "Images*": "nginx,busybox",
            "Selector*": "app=web",
        },
    ),
    "replicasets.apps": (
        f"{{spec: {{replicas: 3, {SELECTOR}, {TEMPLATE}}}, status: {{replicas: 2, readyReplicas: 1}}}}",
        {
            "Name": "web",
            "Desired": 3,
            "Current": 2,
            "Ready": 1,
            "Age": "60m",
            "Containers*": "a,b",
            "Images*": "nginx,busybox",
            "Selector*": "app=web",
        },
    ),
    "jobs.batch": (
        f"""{{spec: {{completions: 5, {SELECTOR}, {TEMPLATE}}}, status: {{succeeded: 5,
        startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T00:00:42Z",
        conditions: [{{type: Complete, status: "True"}}]}}}}""",
        {
            "Name": "web",
            "Status": "Complete",
            "Completions": "5/5",
            "Duration": "42s",
            "Age": "60m",
            "Containers*": "a,b",
            "Images*": "nginx,busybox",
            "Selector*": "app=web",
        },
    ),
    "cronjobs.batch": (
        f"""{{spec: {{schedule: "* * * * *", suspend: false, jobTemplate: {{spec: {{{TEMPLATE}}}}}}},
        status: {{active: [{{}}], lastScheduleTime: "2026-01-01T00:59:30Z"}}}}""",
        {
            "Name": "web",
            "Schedule": "* * * * *",
            "Timezone": "<none>",
            "Suspend": "False",
            "Active": 1,
            "Last Schedule": "30s",
            "Age": "60m",
            "Containers*": "a,b",
            "Images*": "nginx,busybox",
            "Selector*": "<none>",
        },
    ),
    "nodes": (
        """{metadata: {name: web, labels: {node-role.kubernetes.io/control-plane: ""}}, spec: {unschedulable: true},
        status: {conditions: [{type: Ready, status: "True"}], addresses: [{type: InternalIP, address: 10.0.0.1}],
        nodeInfo: {kubeletVersion: v1.36.2, containerRuntimeVersion: "containerd://1.6.20"}}}""",
        {
            "Name": "web",
            "Status": "Ready,SchedulingDisabled",
            "Roles": "control-plane",
            "Age": "<unknown>",
            "Version": "v1.36.2",
            "Internal-IP*": "10.0.0.1",
            "External-IP*": "<none>",
            "OS-Image*": "<unknown>",
            "Kernel-Version*": "<unknown>",
            "Container-Runtime*": "containerd://1.6.20",
        },
    ),
    "services": (
        """{spec: {type: NodePort, clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], selector: {app: web},
        ports: [{port: 80, protocol: TCP, nodePort: 30036}, {port: 53, protocol: UDP}]}}""",
        {
            "Name": "web",
            "Type": "NodePort",
            "Cluster-IP": "10.96.0.7",
            "External-IP": "<none>",
            "Port(s)": "80:30036/TCP,53/UDP",
            "Age": "60m",
            "Selector*": "app=web",
        },
    ),
    "endpoints": (
        "{subsets: [{addresses: [{ip: 10.0.0.1}, {ip: 10.0.0.2}], ports: [{port: 80}, {port: 81}]}]}",
        {"Name": "web", "Endpoints": "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...", "Age": "60m"},
    ),
    "endpointslices.discovery.k8s.io": (
        "{addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1]}]}",
        {"Name": "web", "AddressType": "IPv4", "Ports": "80", "Endpoints": "10.0.0.1", "Age": "60m"},
    ),
    "events": (
        """{involvedObject: {kind: Pod, name: web, fieldPath: "spec.containers{web}"}, type: Normal, reason: Started,
        message: "Started container web\\n", source: {component: kubelet, host: node-1}, count: 2,
        firstTimestamp: "2026-01-01T00:59:00Z", lastTimestamp: "2026-01-01T00:59:58Z"}""",
        {
            "Last Seen": "2s",
            "Type": "Normal",
            "Reason": "Started",
            "Object": "pod/web",
            "Subobject*": "spec.containers{web}",
            "Source*": "kubelet, node-1",
            "Message": "Started container web",
            "First Seen*": "60s",
            "Count*": 2,
            "Name*": "web",
        },
    ),
    "ingresses.networking.k8s.io": (
        """{spec: {tls: [{}], rules: [{host: a.example}, {host: b.example}]},
        status: {loadBalancer: {ingress: [{ip: 10.0.0.9}]}}}""",
        {
            "Name": "web",
            "Class": "<none>",
            "Hosts": "a.example,b.example",
            "Address": "10.0.0.9",
            "Ports": "80, 443",
            "Age": "60m",
        },
    ),
    "persistentvolumeclaims": (
        """{spec: {volumeName: nas, storageClassName: fast, volumeMode: Filesystem},
        status: {phase: Bound, capacity: {storage: 1Gi}, accessModes: [ReadWriteMany, ReadWriteOnce]}}""",
        {
            "Name": "web",
            "Status": "Bound",
            "Volume": "nas",
            "Capacity": "1Gi",
            "Access Modes": "RWO,RWX",
            "StorageClass": "fast",
            "VolumeAttributesClass": "<unset>",
            "Age": "60m",
            "VolumeMode*": "Filesystem",
        },
    ),
    "resourcequotas": (
        "{status: {hard: {pods: '10', limits.cpu: '2'}, used: {pods: '3'}}}",
        {"Name": "web", "Request": "pods: 3/10", "Limit": "limits.cpu: 0/2", "Age": "60m"},
    ),
    "rolebindings.rbac.authorization.k8s.io": (
        """{roleRef: {kind: Role, name: reader}, subjects: [{kind: User, name: ann},
        {kind: ServiceAccount, namespace: default, name: web}]}""",
        {
            "Name": "web",
            "Role": "Role/reader",
            "Age": "60m",
            "Users*": "ann",
            "Groups*": "",
            "ServiceAccounts*": "default/web",
        },
    ),
    "horizontalpodautoscalers.autoscaling": (
        """{spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 9, metrics: [
        {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]},
        status: {currentReplicas: 2}}""",
        {
            "Name": "web",
            "Reference": "Deployment/web",
            "Targets": "cpu: <unknown>/80%",
            "MinPods": "1",
            "MaxPods": 9,
            "Replicas": 2,
            "Age": "60m",
        },
    ),
}


@pytest.mark.parametrize("resource", CASES)
def test_row(resource: str) -> None:
    manifest, expected = CASES[resource]
    assert row(resource, manifest) == expected


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param("{type: ClusterIP}", "<none>", id="none"),
        pytest.param("{type: ClusterIP, externalIPs: [192.0.2.80]}", "192.0.2.80", id="by hand"),
        pytest.param("{type: ExternalName, externalName: db.example}", "db.example", id="a name"),
        pytest.param("{type: LoadBalancer}", "<pending>", id="balancer to come"),
    ],
)
def test_external_ip_of_services(spec: str, said: str) -> None:
    assert row("services", f"{{spec: {spec}}}")["External-IP"] == said


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        pytest.param("{}", "Running", id="runs"),
        pytest.param("{status: {conditions: [{type: Suspended, status: 'True'}]}}", "Suspended", id="suspended"),
        pytest.param("{status: {conditions: [{type: Failed, status: 'True'}]}}", "Failed", id="failed"),
        pytest.param("{status: {conditions: [{type: Complete, status: 'False'}]}}", "Running", id="not complete"),
    ],
)
def test_status_of_jobs(manifest: str, said: str) -> None:
    assert row("jobs.batch", manifest)["Status"] == said


def test_selectors_are_written_as_kubectl_reads_them() -> None:
    selector = {
        "matchLabels": {"b": "2"},
        "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]},
            {"key": "c", "operator": "Exists"},
            {"key": "d", "operator": "DoesNotExist"},
            {"key": "e", "operator": "NotIn", "values": ["z"]},
        ],
    }
    assert format_selector(selector) == "a in (x,y),b=2,c,!d,e notin (z)"
    assert format_selector({}) == "<none>"


def test_long_lists_say_how_much_is_hidden() -> None:
    assert shown(["a", "b", "c", "d", "e"]) == "a,b,c + 2 more..."
    assert shown([]) == "<none>"
