"""What may be said of how a Pod goes."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types import type_of
from tests.unit.api.manifests import pod, prepared, status_faults

JSON = dict[str, Any]
BACK = "Forbidden: may not be transitioned to non-terminated state"


def ended(code: int = 0) -> JSON:
    return {"name": "web", "state": {"terminated": {"exitCode": code}}, "ready": False, "restartCount": 0}


RUNNING = {"name": "web", "state": {"running": {}}, "ready": True, "restartCount": 1}
RULES = "[{action: Restart, exitCodes: {operator: In, values: [42]}}]"


def spec(policy: str, container: str = "", sort: str = "containers") -> str:
    extra = f", {container}" if container else ""
    one = f"[{{name: web, image: a{extra}}}]"
    others = "" if sort == "containers" else ", containers: [{name: other, image: a}]"
    return f"restartPolicy: {policy}, {sort}: {one}{others}"


TRANSITIONS: dict[str, tuple[str, str, int, bool]] = {  # spec, the statuses' field, exit code, whether it may run again
    "always": (spec("Always"), "containerStatuses", 0, True),
    "on failure, after one": (spec("OnFailure"), "containerStatuses", 1, True),
    "on failure, after none": (spec("OnFailure"), "containerStatuses", 0, False),
    "never": (spec("Never"), "containerStatuses", 1, False),
    "never, but this container": (spec("Never", "restartPolicy: Always"), "containerStatuses", 0, True),
    "always, but this container": (spec("Always", "restartPolicy: Never"), "containerStatuses", 1, False),
    "by a rule": (spec("Never", f"restartPolicy: Never, restartPolicyRules: {RULES}"), "containerStatuses", 42, True),
    "by no rule": (spec("Never", f"restartPolicy: Never, restartPolicyRules: {RULES}"), "containerStatuses", 1, False),
    "init": (spec("Never", sort="initContainers"), "initContainerStatuses", 0, False),
    "init of a Pod that begins again": (spec("Always", sort="initContainers"), "initContainerStatuses", 0, True),
    "sidecar": (spec("Never", "restartPolicy: Always", "initContainers"), "initContainerStatuses", 0, True),
    "for debugging": (spec("Always", sort="ephemeralContainers"), "ephemeralContainerStatuses", 1, False),
}


@pytest.mark.parametrize("case", TRANSITIONS)
def test_what_has_ended(case: str) -> None:
    given, field, code, may = TRANSITIONS[case]
    old = prepared(pod(given))
    old["status"][field] = [ended(code)]
    new = {**old, "status": {**old["status"], field: [RUNNING]}}
    assert status_faults(new, old) == ([] if may else [f"status.{field}[0].state: {BACK}"])


def test_another_container_may_come_after_one_that_ended() -> None:
    old = prepared(pod(spec("Never")))
    old["status"]["containerStatuses"] = [ended()]
    new = {**old, "status": {**old["status"], "containerStatuses": [{**RUNNING, "name": "other"}]}}
    assert status_faults(new, old) == []


STATUSES: dict[str, tuple[JSON, list[str]]] = {
    "addresses": ({"podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}, []),
    "two of a family": (
        {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
        [
            'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: '
            "may specify no more than one IP for each IP family"
        ],
    ),
    "no address": (
        {"hostIPs": [{"ip": "node"}]},
        ['status.hostIPs[0]: Invalid value: "node": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ),
    "another class": (
        {"qosClass": "Guaranteed"},
        ['status.qosClass: Invalid value: "Guaranteed": field is immutable'],
    ),
    "a condition of somebody": ({"conditions": [{"type": "example.com/warm", "status": "True"}]}, []),
    "a condition of a bad name": (
        {"conditions": [{"type": "a b", "status": "True"}]},
        [
            'metadata.conditions[0].Type: Invalid value: "a b": name part must consist of alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  "
            "or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ],
    ),
    "a claim that is not there": (
        {"resourceClaimStatuses": [{"name": "gpu"}]},
        [
            'status.resourceClaimStatuses[0].name: Invalid value: "gpu": '
            "must match the name of an entry in `spec.resourceClaims`"
        ],
    ),
}


@pytest.mark.parametrize("case", STATUSES)
def test_statuses(case: str) -> None:
    status, expected = STATUSES[case]
    old = prepared(pod(spec("Always")))
    new = {**old, "status": {**old["status"], **status}}
    assert status_faults(new, old) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"podIP": "10.0.0.1"}, {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}),
        ({"podIPs": [{"ip": "10.0.0.1"}]}, {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}),
        (
            {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.1"}]},
            {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]},
        ),
    ],
    ids=["one", "many", "both"],
)
def test_an_address_stands_in_both_fields(status: JSON, expected: JSON) -> None:
    tree = prepared(pod(spec("Always")))
    tree["status"] = status
    type_of("io.k8s.api.core.v1.Pod").default(tree)
    assert tree["status"] == expected
