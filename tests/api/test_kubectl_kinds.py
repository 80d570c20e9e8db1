"""Every kind through kubectl: created, shown wide, described and deleted, each in one command."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from knarr.api.kinds.table import kind_of
from tests.api.specimens import SPECIMENS
from tests.kubectl import Kubectl

MORE = """
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], hostPath: {{path: /a}}, storageClassName: c}}
---
apiVersion: v1
kind: PodTemplate
metadata: {{name: {name}}}
template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {{name: {name}}}
revision: 3
data: {{a: b}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: {name}}}
spec: {{controller: example.com/c}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: {name}}}
provisioner: example.com/p
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {{name: {name}}}
spec: {{attachRequired: false}}
---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {{name: {name}}}
spec: {{drivers: [{{name: d, nodeID: node}}]}}
---
apiVersion: storage.k8s.io/v1
kind: CSIStorageCapacity
metadata: {{name: {name}}}
storageClassName: c
capacity: 1Gi
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttachment
metadata: {{name: {name}}}
spec: {{attacher: a, nodeName: node, source: {{persistentVolumeName: p}}}}
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {{name: {name}}}
driverName: d
parameters: {{a: b}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {{name: {name}}}
value: 7
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {{name: {name}}}
handler: h
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}}}
rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {name}}}
roleRef: {{kind: ClusterRole, name: view, apiGroup: rbac.authorization.k8s.io}}
subjects: [{{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}}]
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {{name: {name}}}
spec: {{}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}}}
spec: {{devices: {{requests: [{{name: g, exactly: {{deviceClassName: c}}}}]}}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: {name}}}
spec: {{spec: {{devices: {{requests: [{{name: g, exactly: {{deviceClassName: c}}}}]}}}}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {name}}}
spec: {{driver: d, nodeName: node, pool: {{name: p, resourceSliceCount: 1}}, devices: [{{name: a}}]}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {{name: {name}}}
spec: {{priorityLevelConfiguration: {{name: l}}, distinguisherMethod: {{type: ByUser}}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {{name: {name}}}
spec: {{type: Limited, limited: {{limitResponse: {{type: Reject}}}}}}
"""
# kubectl 1.33 describes a VolumeAttributesClass by way of v1beta1 alone, which 1.36 does not serve by default.
BETA = "Error from server (NotFound): the server could not find the requested resource"
# What `get -o wide` is headed with, and what it shows besides name and age; None: whatever controllers make of it.
SHOWN = {
    "configmap": ("NAME DATA AGE", "2"),
    "controllerrevision.apps": ("NAME CONTROLLER REVISION AGE", "<none> 3"),
    "cronjob.batch": (
        "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST-SCHEDULE AGE CONTAINERS IMAGES SELECTOR",
        "*/5 * * * * <none> False 0 <none> c i:1 <none>",
    ),
    "csidriver.storage.k8s.io": (
        "NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE",
        "false false false <unset> false Persistent",
    ),
    "csinode.storage.k8s.io": ("NAME DRIVERS AGE", "1"),
    "csistoragecapacity.storage.k8s.io": ("NAME STORAGECLASSNAME CAPACITY", "c 1Gi"),
    "clusterrole.rbac.authorization.k8s.io": ("NAME CREATED-AT", None),
    "clusterrolebinding.rbac.authorization.k8s.io": (
        "NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS",
        "ClusterRole/view u",
    ),
    "daemonset.apps": (
        "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE-SELECTOR AGE CONTAINERS IMAGES SELECTOR",
        None,
    ),
    "deployment.apps": ("NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR", "0/0 0 0 c i:1 app=x"),
    "deviceclass.resource.k8s.io": ("NAME AGE", ""),
    "endpointslice.discovery.k8s.io": ("NAME ADDRESSTYPE PORTS ENDPOINTS AGE", "IPv4 80 192.0.2.3"),
    "flowschema.flowcontrol.apiserver.k8s.io": (
        "NAME PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL",
        None,
    ),
    "horizontalpodautoscaler.autoscaling": (
        "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
        "Deployment/x cpu: <unknown>/50% 1 3 0",
    ),
    "ingress.networking.k8s.io": ("NAME CLASS HOSTS ADDRESS PORTS AGE", "<none> a.example 80"),
    "ingressclass.networking.k8s.io": ("NAME CONTROLLER PARAMETERS AGE", "example.com/c <none>"),
    "job.batch": ("NAME STATUS COMPLETIONS DURATION AGE CONTAINERS IMAGES SELECTOR", None),
    "lease.coordination.k8s.io": ("NAME HOLDER AGE", "x"),
    "limitrange": ("NAME CREATED-AT", None),
    "networkpolicy.networking.k8s.io": ("NAME POD-SELECTOR AGE", "<none>"),
    "persistentvolume": (
        "NAME CAPACITY ACCESS-MODES RECLAIM-POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE"
        " VOLUMEMODE",
        "1Gi RWO Retain Pending c <unset> Filesystem",
    ),
    "persistentvolumeclaim": (
        "NAME STATUS VOLUME CAPACITY ACCESS-MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE VOLUMEMODE",
        "Pending <unset> Filesystem",
    ),
    "pod": ("NAME READY STATUS RESTARTS AGE IP NODE NOMINATED-NODE READINESS-GATES", None),
    "poddisruptionbudget.policy": ("NAME MIN-AVAILABLE MAX-UNAVAILABLE ALLOWED-DISRUPTIONS AGE", "50% N/A 0"),
    "podtemplate": ("NAME CONTAINERS IMAGES POD-LABELS", "c i a=b"),
    "priorityclass.scheduling.k8s.io": (
        "NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY",
        "7 false PreemptLowerPriority",
    ),
    "prioritylevelconfiguration.flowcontrol.apiserver.k8s.io": (
        "NAME TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE",
        "Limited 30 <none> <none> <none>",
    ),
    "replicaset.apps": ("NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR", "0 0 0 c i:1 app=x"),
    "replicationcontroller": ("NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR", "0 0 0 c i:1 app=x"),
    "resourceclaim.resource.k8s.io": ("NAME STATE AGE", "pending"),
    "resourceclaimtemplate.resource.k8s.io": ("NAME AGE", ""),
    "resourcequota": ("NAME REQUEST LIMIT AGE", None),
    "resourceslice.resource.k8s.io": ("NAME NODE DRIVER POOL AGE", "node d p"),
    "role.rbac.authorization.k8s.io": ("NAME CREATED-AT", None),
    "rolebinding.rbac.authorization.k8s.io": ("NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS", "Role/r b/a"),
    "runtimeclass.node.k8s.io": ("NAME HANDLER AGE", "h"),
    "secret": ("NAME TYPE DATA AGE", "Opaque 2"),
    "service": ("NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR", None),
    "serviceaccount": ("NAME SECRETS AGE", "1"),
    "statefulset.apps": ("NAME READY AGE CONTAINERS IMAGES", "0/0 c i:1"),
    "storageclass.storage.k8s.io": (
        "NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE",
        "example.com/p Delete Immediate false",
    ),
    "volumeattachment.storage.k8s.io": ("NAME ATTACHER PV NODE ATTACHED AGE", "a p node false"),
    "volumeattributesclass.storage.k8s.io": ("NAME DRIVERNAME AGE", "d"),
}


def _specimens(name: str) -> Iterator[str]:
    """The objects that users write, and the rest."""
    for address, fields in SPECIMENS.items():
        group_version, plural = address.removeprefix("apis/").removeprefix("api/").split(" ")
        kind = kind_of(group_version.rpartition("/")[0], plural)
        if kind and "v1beta1" not in group_version and plural != "endpoints":  # those the Service's controller makes
            identity = {"apiVersion": group_version, "kind": kind.kind, "metadata": {"name": name}}
            yield json.dumps(identity | fields) + "\n"
    yield MORE.format(name=name)


@pytest.fixture
def everything(kubectl: Kubectl) -> Iterator[str]:
    """One object of each kind; what has no namespace goes by the namespace's name."""
    manifest = "".join(f"---\n{specimen}" for specimen in _specimens(kubectl.namespace))
    kubectl("create", "-f", "-", stdin=manifest)
    yield manifest
    kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", stdin=manifest)


def _tables(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each kind with its headings (those of two words with a dash) and the object's cells, age left out."""
    for block in text.strip().split("\n\n"):
        head, row = block.splitlines()[:2]
        starts = [at for at, mark in enumerate(head) if mark != " " and (at == 0 or head[at - 2 : at] in ("  ", "   "))]
        ends = [*starts[1:], None]
        headings = [head[begin:end].strip() for begin, end in zip(starts, ends, strict=True)]
        cells = [row[begin:end].strip() for begin, end in zip(starts, ends, strict=True)]
        shown = [c for h, c in zip(headings, cells, strict=True) if h not in ("NAME", "AGE") and c]
        yield cells[0].partition("/")[0], (" ".join(h.replace(" ", "-") for h in headings), " ".join(shown))


def test_every_kind_is_shown_and_described(kubectl: Kubectl, everything: str) -> None:
    name = kubectl.namespace
    shown = dict(_tables(kubectl("get", "-o", "wide", "-f", "-", stdin=everything)))
    expected = {kind: (headings, cells or shown[kind][1]) for kind, (headings, cells) in SHOWN.items()}
    assert {kind: found for kind, found in shown.items() if found != expected.get(kind)} == {}
    assert shown.keys() == expected.keys()
    done = kubectl.run("describe", "-f", "-", stdin=everything)
    assert [line for line in done.stderr.splitlines() if not line.startswith("Warning: ")] in ([], [BETA])
    assert done.stdout.count("Name: ") >= len(SHOWN) - 1
    assert done.stdout.count(name) >= len(SHOWN)
