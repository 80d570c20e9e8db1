"""Resources of a Pod as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.manifests import defaulted, faults, pod, prepared

JSON = dict[str, Any]


def whole(resources: str, *containers: str) -> str:
    listed = ", ".join(
        f"{{name: c{n}, image: a, resources: {{{given}}}}}" for n, given in enumerate(containers or [""])
    )
    return pod(f"resources: {{{resources}}}, containers: [{listed}]")


CASES = {
    "room for all": (whole("requests: {cpu: 2}, limits: {cpu: 3}", "requests: {cpu: 1}", "requests: {cpu: 1}"), []),
    "less than its containers ask for": (
        whole("requests: {cpu: 500m}", "requests: {cpu: 1}", "requests: {cpu: 1}"),
        [
            'spec.resources.requests[cpu]: Invalid value: "500m": '
            "must be greater than or equal to aggregate container requests of 2"
        ],
    ),
    "a container that may have more": (
        whole("limits: {memory: 1Gi}", "limits: {memory: 2Gi}, requests: {memory: 1Gi}"),
        [
            'spec.resources.containers[0][memory].limits: Invalid value: "2Gi": '
            "must be less than or equal to pod limits of 1Gi"
        ],
    ),
    "what is not for Pods": (
        whole("requests: {ephemeral-storage: 1Gi}, claims: [{name: c}]"),
        [
            "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level",
            'spec.resources.requests[ephemeral-storage]: Unsupported value: "ephemeral-storage": '
            'supported values: "cpu", "hugepages-", "memory"',
        ],
    ),
    "more asked for than allowed": (
        whole("requests: {cpu: 2}, limits: {cpu: 1}"),
        ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert sorted(faults(prepared(manifest))) == expected


DEFAULTS: dict[str, tuple[str, JSON]] = {
    "what its containers ask for": (
        whole("limits: {cpu: 3}", "requests: {cpu: 1}", "limits: {cpu: 500m}"),
        {"limits": {"cpu": "3"}, "requests": {"cpu": "1500m"}},
    ),
    "all that it may have": (
        whole("limits: {memory: 1Gi}"),
        {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}},
    ),
    "what it says": (
        whole("limits: {cpu: 3}, requests: {cpu: 2}", "requests: {cpu: 1}"),
        {"limits": {"cpu": "3"}, "requests": {"cpu": "2"}},
    ),
    "nothing without limits": (whole("requests: {cpu: 2}", "requests: {memory: 1Gi}"), {"requests": {"cpu": "2"}}),
}


@pytest.mark.parametrize("case", DEFAULTS)
def test_defaults(case: str) -> None:
    manifest, expected = DEFAULTS[case]
    assert defaulted(manifest)["spec"]["resources"] == expected
