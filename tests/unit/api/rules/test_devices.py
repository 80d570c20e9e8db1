"""Dynamic resource allocation, flow control, certificates, autoscalers, storage: what is defaulted and what refused."""

from __future__ import annotations

import base64

import pytest

from tests.signingrequests import named, request
from tests.unit.api.manifests import defaulted, faults, prepared, update_faults


def claim(devices: str) -> str:
    api = "apiVersion: resource.k8s.io/v1, kind: ResourceClaim"
    return f"{{{api}, metadata: {{name: a}}, spec: {{devices: {{{devices}}}}}}}"


def resource_slice(spec: str) -> str:
    pool = "driver: gpu.example.com, pool: {name: p, generation: 1, resourceSliceCount: 1}"
    return f"{{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {{name: a}}, spec: {{{pool}, {spec}}}}}"


def flow(spec: str, name: str = "a") -> str:
    level = "priorityLevelConfiguration: {name: low}"
    api = "apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema"
    return f"{{{api}, metadata: {{name: {name}}}, spec: {{{level}, {spec}}}}}"


def level(spec: str, name: str = "a") -> str:
    api = "apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration"
    return f"{{{api}, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def autoscaler(spec: str) -> str:
    target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}"
    api = "apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler"
    return f"{{{api}, metadata: {{name: a}}, spec: {{{target}, maxReplicas: 3, {spec}}}}}"


def certificate_request(spec: str) -> str:
    encoded = base64.b64encode(request(named("someone"))).decode()
    api = "apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: a}"
    return f"{{{api}, spec: {{request: {encoded}, {spec}}}}}"


CASES = {
    "a claim": (claim("requests: [{name: gpu, exactly: {deviceClassName: gpu}}]"), []),
    "a claim of nothing": (
        claim("requests: [{name: gpu}]"),
        ["spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"],
    ),
    "two requests of a name": (
        claim("requests: [{name: g, exactly: {deviceClassName: g}}, {name: g, exactly: {deviceClassName: g}}]"),
        ['spec.devices.requests[1]: Duplicate value: "g"'],
    ),
    "a constraint on nothing": (
        claim(
            "requests: [{name: g, exactly: {deviceClassName: g}}],"
            " constraints: [{requests: [h], matchAttribute: a.b/c}]"
        ),
        [
            'spec.devices.constraints[0].requests[0]: Invalid value: "h": must be the name of a request in the claim '
            "or the name of a request and a subrequest separated by '/'"
        ],
    ),
    "all, and how many": (
        claim("requests: [{name: g, exactly: {deviceClassName: g, allocationMode: All, count: 2}}]"),
        [
            "spec.devices.requests[0].exactly.count: Invalid value: 2: "
            "must not be specified when allocationMode is 'All'"
        ],
    ),
    "too many requests": (
        claim("requests: [" + ", ".join(f"{{name: g{n}, exactly: {{deviceClassName: g}}}}" for n in range(33)) + "]"),
        ["spec.devices.requests: Too many: 33: must have at most 32 items"],
    ),
    "a slice": (resource_slice("nodeName: n, devices: [{name: a, attributes: {model: {string: x}}}]"), []),
    "a slice nowhere": (
        resource_slice("devices: []"),
        [
            "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` "
            "is required"
        ],
    ),
    "a version that is none": (
        resource_slice("allNodes: true, devices: [{name: a, attributes: {v: {version: '1.2'}}}]"),
        [
            'spec.devices[0].attributes[v].version: Invalid value: "1.2": '
            "must be a string compatible with semver.org spec 2.0.0"
        ],
    ),
    "a flow": (
        flow(
            "rules: [{subjects: [{kind: User, user: {name: x}}],"
            " nonResourceRules: [{verbs: [get], nonResourceURLs: [/x]}]}]"
        ),
        [],
    ),
    "a flow that comes first": (
        flow("matchingPrecedence: 1"),
        ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ),
    "a flow of the wrong subject": (
        flow(
            "rules: [{subjects: [{kind: User, group: {name: x}}],"
            " nonResourceRules: [{verbs: [get], nonResourceURLs: ['*']}]}]"
        ),
        [
            "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
            "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
        ],
    ),
    "a level": (level("type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}"), []),
    "a level of nothing": (
        level("type: Limited"),
        ["spec.limited: Required value: must not be empty when type is Limited"],
    ),
    "a hand larger than the deck": (
        level("type: Limited, limited: {limitResponse: {type: Queue, queuing: {queues: 4, handSize: 5}}}"),
        ["spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)"],
    ),
    "exempt by another name": (
        level("type: Exempt"),
        ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if `name` is 'exempt'"],
    ),
    "an autoscaler": (autoscaler("behavior: {scaleDown: {selectPolicy: Disabled}}"), []),
    "an autoscaler's metric of two sources": (
        autoscaler(
            "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 1}},"
            " pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1}}}]"
        ),
        ["spec.metrics[0].pods: Forbidden: must populate the given metric source only"],
    ),
    "an autoscaler without a target": (
        autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]"),
        [
            "spec.metrics[0].resource.target.averageUtilization: Required value: "
            "must set either a target raw value or a target utilization"
        ],
    ),
    "a certificate request": (certificate_request("signerName: example.com/x, usages: [client auth]"), []),
    "a certificate for a moment": (
        certificate_request("signerName: example.com/x, usages: [client auth], expirationSeconds: 60"),
        ["spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)"],
    ),
    "a signer without a path": (
        certificate_request("signerName: example.com, usages: [any]"),
        [
            'spec.signerName: Invalid value: "example.com": '
            "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        ],
    ),
    "a class of attributes without any": (
        "{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: a}, driverName: a.b}",
        ["parameters: Required value: must contain at least one key/value pair"],
    ),
    "space below nothing": (
        "{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacity, metadata: {name: a, namespace: b},"
        " storageClassName: c, capacity: -1}",
        ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert sorted(faults(prepared(manifest))) == expected


def test_a_request_asks_for_one_device() -> None:
    tree = defaulted(claim("requests: [{name: g, exactly: {deviceClassName: g, tolerations: [{key: a}]}}]"))
    assert tree["spec"]["devices"]["requests"][0]["exactly"] == {
        "deviceClassName": "g",
        "allocationMode": "ExactCount",
        "count": 1,
        "tolerations": [{"key": "a", "operator": "Equal"}],
    }


def test_a_level_shares_by_default() -> None:
    tree = defaulted(level("type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}"))
    assert tree["spec"]["limited"] == {
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
        "limitResponse": {"type": "Queue", "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50}},
    }


def test_behaviour_is_spelled_out_where_there_is_any() -> None:
    behavior = defaulted(autoscaler("behavior: {scaleDown: {selectPolicy: Min}}"))["spec"]["behavior"]
    assert behavior["scaleDown"]["selectPolicy"] == "Min"
    assert behavior["scaleUp"]["policies"][0] == {"type": "Pods", "value": 4, "periodSeconds": 15}
    assert "behavior" not in defaulted(autoscaler("minReplicas: 1"))["spec"]


def test_a_claim_stays_as_it_was_asked() -> None:
    old = prepared(claim("requests: [{name: g, exactly: {deviceClassName: g}}]"))
    new = prepared(claim("requests: [{name: g, exactly: {deviceClassName: h}}]"))
    (fault,) = update_faults(new, old)
    assert fault.startswith("spec: Invalid value: ")
    assert fault.endswith("field is immutable")
