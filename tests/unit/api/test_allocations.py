"""Selectors of devices, and what a claim has been given."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.unit.api.manifests import faults, prepared, status_faults

JSON = dict[str, Any]
WHERE = "spec.devices.requests[0].exactly.selectors[0].cel.expression"


def claim(expression: str = "true") -> JSON:
    selectors = f"[{{cel: {{expression: {json.dumps(expression)}}}}}]"
    request = f"{{name: gpu, exactly: {{deviceClassName: gpu, selectors: {selectors}}}}}"
    api = "apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: a, namespace: b}"
    return prepared(f"{{{api}, spec: {{devices: {{requests: [{request}]}}}}}}")


GOOD = [
    'device.driver == "gpu.example.com"',
    'device.attributes["gpu.example.com"].model == "a100" && !device.allowMultipleAllocations',
    'device.attributes["gpu.example.com"].version.isGreaterThan(semver("1.2.3"))',
    'device.capacity["gpu.example.com"].memory.compareTo(quantity("10Gi")) >= 0',
    'cel.bind(gpu, device.attributes["gpu.example.com"], gpu.fast && gpu.cores > 2)',
]
BAD = {
    "device.size": (
        f'{WHERE}: Invalid value: "device.size": compilation failed: '
        "ERROR: <input>:1:7: undefined field 'size'\n | device.size\n | ......^"
    ),
    "1 + 1": f'{WHERE}: Invalid value: "1 + 1": must evaluate to bool or the unknown type, not int',
    "": f"{WHERE}: Required value",
    "true" + " " * 10240: f"{WHERE}: Too long: may not be more than 10240 bytes",
    'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, a + b + c == "x")))': (
        f"{WHERE}: Forbidden: too complex, exceeds cost limit"
    ),
}


@pytest.mark.parametrize("expression", GOOD)
def test_selectors(expression: str) -> None:
    assert faults(claim(expression)) == []


@pytest.mark.parametrize("expression", BAD, ids=lambda expression: expression[:40].strip() or "nothing")
def test_selectors_that_select_nothing(expression: str) -> None:
    assert faults(claim(expression)) == [BAD[expression]]


def test_the_selectors_of_a_class() -> None:
    expression = "{cel: {expression: device.size > 1}}"
    api = "apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: a}"
    (fault,) = faults(prepared(f"{{{api}, spec: {{selectors: [{expression}]}}}}"))
    assert fault.startswith('spec.selectors[0].cel.expression: Invalid value: "device.size > 1": compilation failed')


DEVICE = {"driver": "gpu.example.com", "pool": "p", "device": "d"}
ALLOCATED = {"devices": {"results": [{"request": "gpu", **DEVICE}]}}
CONDITION = {"type": "Ready", "status": "True", "reason": "Up", "lastTransitionTime": "2026-01-01T00:00:00Z"}
USER = {"resource": "pods", "name": "p", "uid": "1"}
STATUSES: dict[str, tuple[JSON, list[str]]] = {
    "an allocation": ({"allocation": ALLOCATED, "reservedFor": [USER]}, []),
    "for a request that is not there": (
        {"allocation": {"devices": {"results": [{**DEVICE, "request": "cpu"}]}}},
        [
            'status.allocation.devices.results[0].request: Invalid value: "cpu": must be the name of a request in the '
            "claim or the name of a request and a subrequest separated by '/'"
        ],
    ),
    "used by somebody, of nothing": (
        {"reservedFor": [USER]},
        ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
    ),
    "what a driver says": (
        {
            "allocation": ALLOCATED,
            "devices": [{**DEVICE, "conditions": [CONDITION], "data": {}, "networkData": {"ips": ["10.1.2.3/24"]}}],
        },
        [],
    ),
    "what a driver says of another's": (
        {"allocation": ALLOCATED, "devices": [{**DEVICE, "device": "e"}]},
        [
            'status.devices[0]: Invalid value: "gpu.example.com/p/e": must be an allocated device in the claim',
        ],
    ),
    "what a driver says twice, and badly": (
        {
            "allocation": ALLOCATED,
            "devices": [DEVICE, {**DEVICE, "networkData": {"ips": ["10.1.2.3"]}, "conditions": [{"type": "Ready"}]}],
        },
        [
            'status.devices[1]: Duplicate value: "gpu.example.com/p/d"',
            "status.devices[1].conditions[0].lastTransitionTime: Required value: must be set",
            "status.devices[1].conditions[0].reason: Required value: must be set",
            'status.devices[1].conditions[0].status: Unsupported value: "": '
            'supported values: "False", "True", "Unknown"',
            'status.devices[1].networkData.ips[0]: Invalid value: "10.1.2.3": '
            "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
        ],
    ),
}


@pytest.mark.parametrize("case", STATUSES)
def test_statuses(case: str) -> None:
    status, expected = STATUSES[case]
    old = claim()
    assert status_faults({**deepcopy(old), "status": status}, old) == expected


def test_nobody_comes_to_use_what_is_to_go() -> None:
    old = claim()
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    old["status"] = {"allocation": ALLOCATED, "reservedFor": [USER]}
    new = deepcopy(old)
    new["status"]["reservedFor"].append({**USER, "uid": "2"})
    assert status_faults(new, old) == [
        "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or "
        "`deletionTimestamp` are set"
    ]
