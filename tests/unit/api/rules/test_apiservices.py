"""APIServices: what is wrong with a registration, and how it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.api.kinds.apiservices import KIND
from tests.unit.api.manifests import defaulted, faults


def registration(spec: str, name: str = "v1.a.b") -> str:
    return f"""
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: {name}}}
spec: {{{spec}}}
"""


A = "group: a.b, version: v1"
PRIORITIES = "groupPriorityMinimum: 1000, versionPriority: 15"
SERVICE = "service: {namespace: n, name: s}"
CASES = {
    "local": (registration(f"{A}, {PRIORITIES}"), []),
    "remote": (registration(f"{A}, {PRIORITIES}, {SERVICE}, caBundle: QQ=="), []),
    "another name": (
        registration(f"{A}, {PRIORITIES}", "v1.b.a"),
        ['metadata.name: Invalid value: "v1.b.a": must be `spec.version+"."+spec.group`: "v1.a.b"'],
    ),
    "no group": (
        registration(f"version: v2, {PRIORITIES}", "v2."),
        ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
    ),
    "priorities": (
        registration(f"{A}, groupPriorityMinimum: 20001, versionPriority: -1"),
        [
            "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: -1: must be positive and less than 1000",
        ],
    ),
    "local with what only remote ones have": (
        registration(f"{A}, {PRIORITIES}, caBundle: QQ==, insecureSkipTLSVerify: true"),
        [
            'spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle',
            "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
        ],
    ),
    "nobody vouched for twice": (
        registration(f"{A}, {PRIORITIES}, {SERVICE}, caBundle: QQ==, insecureSkipTLSVerify: true"),
        ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"],
    ),
    "a service of nothing": (
        registration(f"{A}, {PRIORITIES}, service: {{port: 70000}}"),
        [
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
            "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert faults(defaulted(manifest)) == expected


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ({"status": "True", "reason": "Local"}, "True"),
        ({"status": "False", "reason": "MissingEndpoints"}, "False (MissingEndpoints)"),
        ({"status": "False"}, "False"),
        (None, "Unknown"),
    ],
)
def test_columns(condition: Any, shown: str) -> None:
    tree = defaulted(registration(f"{A}, {PRIORITIES}, {SERVICE}"))
    assert tree["spec"]["service"]["port"] == 443
    if condition:
        tree["status"] = {"conditions": [{"type": "Available", **condition}]}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert [column.cell(tree, now) for column in KIND.columns[:3]] == ["v1.a.b", "n/s", shown]
