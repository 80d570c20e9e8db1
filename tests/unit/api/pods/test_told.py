"""What Pods are told of themselves, where they may go, and what upstream does not ask for though its schema does."""

from __future__ import annotations

import pytest

from tests.unit.api.manifests import container, faults, pod, prepared

REF = "spec.containers[0].env[0].valueFrom.fieldRef"
DIVISOR = "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor"
NAME_PART = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def told(source: str) -> str:
    return container(f"env: [{{name: A, valueFrom: {{{source}}}}}]")


def spec(fields: str) -> str:
    return pod(f"containers: [{{name: web, image: a}}], {fields}")


def projected(*sources: str) -> str:
    return spec(f"volumes: [{{name: v, projected: {{sources: [{', '.join(sources)}]}}}}]")


def items(sort: str) -> str:
    return f"{{{sort}: {{name: {sort.lower()}, items: [{{key: a, path: x}}]}}}}"


CASES: dict[str, tuple[str, list[str]]] = {
    "a label": (told("fieldRef: {fieldPath: \"metadata.labels['a.b/c']\"}"), []),
    "a field that is none": (
        told("fieldRef: {fieldPath: metadata.foo}"),
        [
            f'{REF}.fieldPath: Invalid value: "metadata.foo": '
            "error converting fieldPath: field label not supported: metadata.foo"
        ],
    ),
    "a field of another version": (
        told("fieldRef: {apiVersion: v2, fieldPath: metadata.name}"),
        [f'{REF}.fieldPath: Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2'],
    ),
    "a field that is not told": (
        told("fieldRef: {fieldPath: status.phase}"),
        [
            f'{REF}.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", '
            '"metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", '
            '"status.hostIPs", "status.podIP", "status.podIPs"'
        ],
    ),
    "a part of what has none": (
        told("fieldRef: {fieldPath: \"metadata.name['a']\"}"),
        [f'{REF}: Invalid value: "metadata.name": does not support subscript'],
    ),
    "a third of a processor": (
        told("resourceFieldRef: {resource: limits.cpu, divisor: 3}"),
        [
            f'{DIVISOR}: Invalid value: "limits.cpu": '
            "only divisor's values 1m and 1 are supported with the cpu resource"
        ],
    ),
    "mebibytes": (told("resourceFieldRef: {resource: limits.memory, divisor: 1Mi}"), []),
    "two files in a place": (
        projected(items("configMap"), items("secret")),
        ['spec.volumes[0].projected: Invalid value: "secret": conflicting duplicate paths'],
    ),
    "labels of nodes": (spec("nodeSelector: {'a b': c}"), [f'spec.nodeSelector: Invalid value: "a b": {NAME_PART}']),
    "overhead": (
        spec("overhead: {bananas: 1}"),
        ['spec.overhead.limits[bananas]: Invalid value: "bananas": must be a standard resource for containers'],
    ),
    "a port of zero": (
        container("ports: [{containerPort: 0}]"),
        ["spec.containers[0].ports[0].containerPort: Required value"],
    ),
    "a spread over nothing": (
        spec("topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]"),
        [
            'spec.topologySpreadConstraints[0].topologyKey: Invalid value: "": name part must be non-empty',
            f'spec.topologySpreadConstraints[0].topologyKey: Invalid value: "": {NAME_PART}',
            "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
        ],
    ),
    "no operator": (
        spec(
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
            "{nodeSelectorTerms: [{matchExpressions: [{key: a}]}]}}}"
        ),
        [
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
            '.matchExpressions[0].operator: Invalid value: "": not a valid selector operator'
        ],
    ),
    "a header without a value": (
        container("livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: X, value: ''}]}}"),
        [],
    ),
    "a sysctl without a value": (spec("securityContext: {sysctls: [{name: kernel.a}]}"), []),
    "a negative grace period": (spec("terminationGracePeriodSeconds: -1"), []),
    "a driver's token for the API server": (
        "{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: a.b}, "
        "spec: {tokenRequests: [{audience: ''}]}}",
        [],
    ),
    "a runtime's overhead": (
        "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: a}, handler: h, "
        "overhead: {podFixed: {cpu: -1}}}",
        ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert sorted(faults(prepared(manifest))) == expected
