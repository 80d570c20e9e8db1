"""Storage: what claims are filled with, and what of claims, volumes and their classes may still change."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.unit.api.manifests import faults, kind_for, prepared, update_faults

JSON = dict[str, Any]
FIXED = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims\n"
)


def claim(spec: str = "") -> str:
    extra = f", {spec}" if spec else ""
    needed = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}"
    return f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: a}}, spec: {{{needed}{extra}}}}}"


def volume(spec: str) -> str:
    needed = "accessModes: [ReadWriteOnce], capacity: {storage: 2Gi}"
    return f"{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: a}}, spec: {{{needed}, {spec}}}}}"


def of_storage(kind: str, fields: str) -> str:
    return f"{{apiVersion: storage.k8s.io/v1, kind: {kind}, metadata: {{name: a}}, {fields}}}"


NEW: dict[str, tuple[str, list[str]]] = {
    "no access": (
        claim("accessModes: []"),
        ["spec.accessModes: Required value: at least 1 access mode is required"],
    ),
    "from a claim": (claim("dataSource: {kind: PersistentVolumeClaim, name: b}"), []),
    "from nothing that has a name": (
        claim("dataSourceRef: {kind: Filler, apiGroup: a.b, name: ''}"),
        ["spec.dataSource.name: Required value", "spec.dataSourceRef.name: Required value"],
    ),
    "from what no group has": (
        claim("dataSourceRef: {kind: Filler, name: a}"),
        [
            'spec.dataSource: Invalid value: "Filler": '
            "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            'spec.dataSourceRef: Invalid value: "Filler": '
            "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        ],
    ),
    "from two": (
        claim(
            "dataSource: {kind: PersistentVolumeClaim, name: b}, dataSourceRef: {kind: PersistentVolumeClaim, name: c}"
        ),
        ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
    ),
    "a volume of processors": (
        volume("hostPath: {path: /x}, capacity: {cpu: 1}"),
        ['spec.capacity: Unsupported value: {"cpu":"1"}: supported values: "storage"'],
    ),
    "a volume of no size": (
        volume("hostPath: {path: /x}, capacity: {storage: 0}"),
        ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    ),
    "a provisioner": (
        of_storage("StorageClass", "provisioner: 'a b'"),
        [
            "provisioner: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or "
            "'.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ],
    ),
    "attached to nothing": (
        of_storage("VolumeAttachment", "spec: {attacher: a.b, nodeName: n, source: {}}"),
        ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
    ),
}


@pytest.mark.parametrize("case", NEW)
def test_new(case: str) -> None:
    manifest, expected = NEW[case]
    assert sorted(faults(prepared(manifest))) == expected


SNAPSHOT = {"kind": "VolumeSnapshot", "apiGroup": "snapshot.storage.k8s.io", "name": "s"}
FILLER = {"kind": "Filler", "apiGroup": "a.b", "name": "f"}
SOURCES: dict[str, tuple[JSON, JSON]] = {
    "a snapshot": ({"dataSource": SNAPSHOT}, {"dataSource": SNAPSHOT, "dataSourceRef": SNAPSHOT}),
    "its successor": ({"dataSourceRef": FILLER}, {"dataSource": FILLER, "dataSourceRef": FILLER}),
    "what the old field does not know": ({"dataSource": FILLER}, {}),
    "from another namespace": (
        {"dataSourceRef": {**SNAPSHOT, "namespace": "b"}},
        {"dataSourceRef": {**SNAPSHOT, "namespace": "b"}},
    ),
}


@pytest.mark.parametrize("case", SOURCES)
def test_sources(case: str) -> None:
    given, expected = SOURCES[case]
    tree = prepared(claim())
    tree["spec"] |= deepcopy(given)
    prepare = kind_for("v1", "PersistentVolumeClaim").prepare_create
    assert prepare
    prepare(tree)
    assert {name: value for name, value in tree["spec"].items() if name.startswith("dataSource")} == expected


BOUND = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
CHANGES: dict[str, tuple[str, JSON, JSON, list[str]]] = {  # the old one, its status, what changes in the spec
    "bound": (claim(), {}, {"volumeName": "v"}, []),
    "bound again": (
        claim("volumeName: v"),
        {},
        {"volumeName": "w"},
        [f'{FIXED}- spec.volumeName: "v"\n+ spec.volumeName: "w"'],
    ),
    "a first class": (claim(), {}, {"storageClassName": "fast"}, []),
    "another class": (
        claim("storageClassName: slow"),
        {},
        {"storageClassName": "fast"},
        [f'{FIXED}- spec.storageClassName: "slow"\n+ spec.storageClassName: "fast"'],
    ),
    "larger": (claim(), BOUND, {"resources": {"requests": {"storage": "3Gi"}}}, []),
    "larger before it is bound": (
        claim(),
        {},
        {"resources": {"requests": {"storage": "3Gi"}}},
        [f'{FIXED}- spec.resources.requests.storage: "2Gi"\n+ spec.resources.requests.storage: "3Gi"'],
    ),
    "less, but more than it has": (claim(), BOUND, {"resources": {"requests": {"storage": "1500Mi"}}}, []),
    "less than it has": (
        claim(),
        BOUND,
        {"resources": {"requests": {"storage": "1Gi"}}},
        ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"],
    ),
    "other attributes": (claim("volumeAttributesClassName: a"), BOUND, {"volumeAttributesClassName": "b"}, []),
    "attributes taken back": (
        claim("volumeAttributesClassName: a"),
        {**BOUND, "currentVolumeAttributesClassName": "a"},
        {"volumeAttributesClassName": ""},
        ["spec.volumeAttributesClassName: Forbidden: update from non-nil value to an empty string is forbidden"],
    ),
    "what is behind a volume": (
        volume("hostPath: {path: /x}"),
        {},
        {"hostPath": {"path": "/y", "type": ""}},
        [
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
            '- spec.hostPath.path: "/x"\n+ spec.hostPath.path: "/y"'
        ],
    ),
    "the mode of a volume": (
        volume("hostPath: {path: /x}"),
        {},
        {"volumeMode": "Block"},
        ['volumeMode: Invalid value: "Block": field is immutable'],
    ),
    "who has a volume": (volume("hostPath: {path: /x}"), {}, {"claimRef": {"name": "c", "namespace": "d"}}, []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    manifest, status, change, expected = CHANGES[case]
    old = {**prepared(manifest), "status": status}
    new = {**old, "spec": {**old["spec"], **change}}
    assert update_faults(new, old) == expected


CLASSES: dict[str, tuple[str, JSON, list[str]]] = {
    "who makes volumes": (
        of_storage("StorageClass", "provisioner: a.b"),
        {"provisioner": "c.d", "parameters": {"a": "b"}, "reclaimPolicy": "Retain"},
        [
            "parameters: Forbidden: updates to parameters are forbidden.",
            "provisioner: Forbidden: updates to provisioner are forbidden.",
            "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        ],
    ),
    "when volumes are bound": (
        of_storage("StorageClass", "provisioner: a.b"),
        {"volumeBindingMode": "WaitForFirstConsumer"},
        ['volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable'],
    ),
    "whether volumes grow": (of_storage("StorageClass", "provisioner: a.b"), {"allowVolumeExpansion": True}, []),
    "attributes": (
        of_storage("VolumeAttributesClass", "driverName: a.b, parameters: {a: b}"),
        {"driverName": "c.d", "parameters": {"a": "c"}},
        [
            "driverName: Forbidden: updates to driverName are forbidden.",
            "parameters: Forbidden: updates to parameters are forbidden.",
        ],
    ),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(case: str) -> None:
    manifest, change, expected = CLASSES[case]
    old = prepared(manifest)
    assert sorted(update_faults({**old, **change}, old)) == expected
