"""Jobs: who manages them, when they have failed or succeeded early, and what may be said of how they go."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from knarr.api.indexes import IndexesError, overlap, parse
from tests.unit.api.manifests import faults, job, prepared, status_faults, update_faults

JSON = dict[str, Any]
INDEXED = "completionMode: Indexed, completions: 3"
FAILURES = "podFailurePolicy: {{rules: [{}]}}"
CODES = "{{action: {}, onExitCodes: {{operator: In, values: [1]{}}}}}"

SPECS: dict[str, tuple[str, list[str]]] = {
    "a manager": ("managedBy: kueue.x-k8s.io/multikueue", []),
    "a manager without a domain": (
        "managedBy: kueue",
        ['spec.managedBy: Invalid value: "kueue": must be a domain-prefixed path (such as "acme.io/foo")'],
    ),
    "a manager of a long name": (
        f"managedBy: a.b/{'c' * 60}",
        ["spec.managedBy: Too long: may not be more than 63 bytes"],
    ),
    "failures of an index, without limits": (
        FAILURES.format(CODES.format("FailIndex", "")),
        [
            'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": '
            "requires the backoffLimitPerIndex to be set"
        ],
    ),
    "failures of an index": (
        f"{INDEXED}, backoffLimitPerIndex: 1, {FAILURES.format(CODES.format('FailIndex', ''))}",
        [],
    ),
    "a container that is not there": (
        FAILURES.format(CODES.format("FailJob", ", containerName: x")),
        [
            'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": '
            "must be one of the container or initContainer names in the pod template"
        ],
    ),
    "no action": (
        FAILURES.format("{onPodConditions: [{type: Ready}]}"),
        [
            "spec.podFailurePolicy.rules[0].action: Required value: "
            'valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'
        ],
    ),
    "replacing what terminates, by failures": (
        f"podReplacementPolicy: TerminatingOrFailed, {FAILURES.format(CODES.format('FailJob', ''))}",
        [
            'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
        ],
    ),
    "more failures than indexes": (
        f"{INDEXED}, backoffLimitPerIndex: 1, maxFailedIndexes: 4",
        ["spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions"],
    ),
    "many indexes with limits": (
        "completionMode: Indexed, completions: 100001, backoffLimitPerIndex: 1, parallelism: 10001",
        [
            "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
            "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above "
            "100000 and used with backoff limit per index",
        ],
    ),
    "an early success": (f"{INDEXED}, successPolicy: {{rules: [{{succeededIndexes: '0,2', succeededCount: 1}}]}}", []),
    "an early success of nothing": (
        f"{INDEXED}, successPolicy: {{rules: []}}",
        [
            "spec.successPolicy.rules: Required value: "
            "at least one rules must be specified when the successPolicy is specified"
        ],
    ),
    "an early success of too many": (
        f"{INDEXED}, successPolicy: {{rules: [{{succeededIndexes: '0-1', succeededCount: 4}}]}}",
        [
            "spec.successPolicy.rules[0].succeededCount: Invalid value: 4: "
            "must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
            "spec.successPolicy.rules[0].succeededCount: Invalid value: 4: "
            "must be less than or equal to 3 (the number of specified completions)",
        ],
    ),
    "an early success of an index that is not there": (
        f"{INDEXED}, successPolicy: {{rules: [{{succeededIndexes: '3'}}]}}",
        [
            'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "3": '
            'error parsing succeededIndexes: too large index: "3"'
        ],
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_specs(case: str) -> None:
    spec, expected = SPECS[case]
    assert sorted(faults(prepared(job(spec)))) == expected


def test_labels_are_the_jobs() -> None:
    tree = prepared(job())
    labels = tree["spec"]["template"]["metadata"]["labels"]
    labels["job-name"] = "x"
    del labels["controller-uid"]
    assert [fault.partition(" {")[0] for fault in sorted(faults(tree))] == [
        "spec.template.metadata.labels[controller-uid]: Required value: must be 'the-uid'",
        "spec.template.metadata.labels[job-name]: Invalid value:",
    ]


def test_the_pods_of_an_indexed_job_have_names() -> None:
    tree = prepared(job(INDEXED).replace("name: pi,", f"name: {'a' * 62},", 1))
    (fault,) = faults(tree)
    assert "will not able to create pod with invalid DNS name: must be no more than 63 bytes" in fault


def test_completions_change_with_parallelism() -> None:
    old = prepared(job(INDEXED))
    new = deepcopy(old)
    new["spec"]["completions"] = 5
    assert update_faults(new, old) == [
        "spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism"
    ]
    new["spec"]["parallelism"] = 5
    assert update_faults(new, old) == []


SUSPENDED: dict[str, tuple[Callable[[JSON], object], bool]] = {
    "affinity to nodes": (lambda pod: pod.update(affinity={"nodeAffinity": {}}), True),
    "affinity to Pods": (lambda pod: pod.update(affinity={"podAffinity": {}}), False),
    "resources": (lambda pod: pod["containers"][0].update(resources={"limits": {"cpu": "1"}}), True),
    "image": (lambda pod: pod["containers"][0].update(image="x"), False),
}


@pytest.mark.parametrize("case", SUSPENDED)
def test_what_may_change_while_suspended(case: str) -> None:
    change, may = SUSPENDED[case]
    old = prepared(job("suspend: true"))
    new = deepcopy(old)
    change(new["spec"]["template"]["spec"])
    assert [fault.partition(":")[0] for fault in update_faults(new, old)] == ([] if may else ["spec.template"])


START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def met(*kinds: str) -> list[JSON]:
    return [{"type": kind, "status": "True"} for kind in kinds]


COMPLETE = {
    "conditions": met("SuccessCriteriaMet", "Complete"),
    "startTime": START,
    "completionTime": END,
    "succeeded": 1,
}
STATUSES: dict[str, tuple[JSON, JSON, list[str]]] = {
    "complete": ({}, COMPLETE, []),
    "complete without the criteria": (
        {"startTime": START},
        {**COMPLETE, "conditions": met("Complete")},
        [
            "status.conditions: Invalid value: "
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        ],
    ),
    "complete, untimed and at work": (
        {},
        {"conditions": COMPLETE["conditions"], "active": 1, "uncountedTerminatedPods": {"failed": ["1"]}},
        [
            "status.active: Invalid value: 1: active>0 is invalid for finished job",
            "status.completionTime: Required value: completionTime is required for Complete jobs",
            "status.startTime: Required value: startTime is required for finished job",
            'status.uncountedTerminatedPods: Invalid value: {"failed":["1"]}: '
            "uncountedTerminatedPods needs to be empty for finished job",
        ],
    ),
    "over before it began": (
        {"startTime": END},
        {**COMPLETE, "startTime": END, "completionTime": START},
        [f'status.completionTime: Invalid value: "{START}": completionTime cannot be set before startTime'],
    ),
    "failed unannounced": (
        {},
        {"conditions": met("Failed"), "startTime": START},
        ["status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition"],
    ),
    "complete and failed": (
        COMPLETE,
        {**COMPLETE, "conditions": met("Complete", "SuccessCriteriaMet", "Failed", "FailureTarget")},
        [
            "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
            "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ],
    ),
    "taken back": (
        COMPLETE,
        {"startTime": START},
        [
            "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
            "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
        ],
    ),
    "fewer than there were": (
        {"failed": 2},
        {"failed": 1, "ready": 1},
        [
            "status.failed: Invalid value: 1: cannot decrease the failed counter",
            "status.ready: Invalid value: 1: cannot set more ready pods than active",
        ],
    ),
    "begun again": (
        {"startTime": START},
        {"startTime": END},
        ["status.startTime: Required value: startTime cannot be removed for unsuspended job"],
    ),
    "indexes of what has none": (
        {},
        {"completedIndexes": "0", "failedIndexes": "0"},
        [
            'status.completedIndexes: Invalid value: "0": '
            "cannot set non-empty completedIndexes when non-indexed completion mode",
            'status.failedIndexes: Invalid value: "0": '
            "cannot set non-null failedIndexes when backoffLimitPerIndex is null",
            'status.failedIndexes: Invalid value: "0": failedIndexes and completedIndexes overlap at index: 0',
        ],
    ),
    "counted twice": (
        {},
        {"uncountedTerminatedPods": {"succeeded": ["1"], "failed": ["1", ""]}},
        [
            'status.uncountedTerminatedPods.failed[0]: Duplicate value: "1"',
            'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
        ],
    ),
    "what was amiss before": ({"conditions": met("Complete")}, {"conditions": met("Complete"), "ready": 0}, []),
}


@pytest.mark.parametrize("case", STATUSES)
def test_statuses(case: str) -> None:
    before, after, expected = STATUSES[case]
    tree = prepared(job())
    assert sorted(status_faults({**tree, "status": after}, {**tree, "status": before})) == expected


@pytest.mark.parametrize(
    ("text", "found"), [("", []), ("0", [range(1)]), ("0-2,4", [range(3), range(4, 5)])], ids=["none", "one", "some"]
)
def test_indexes(text: str, found: list[range]) -> None:
    assert parse(text, 5) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a", 'cannot convert string to integer for index: "a"'),
        ("5", 'too large index: "5"'),
        ("2,1", "non-increasing order, previous: 2, current: 1"),
        ("1-1", "non-increasing order, previous: 1, current: 1"),
        (
            "0-1-2",
            'the fragment "0-1-2" violates the requirement that an index interval can have at most two parts '
            "separated by '-'",
        ),
    ],
)
def test_indexes_that_are_none(text: str, why: str) -> None:
    with pytest.raises(IndexesError) as error:
        parse(text, 5)
    assert str(error.value) == why


def test_overlaps() -> None:
    assert overlap(parse("0-3", 9), parse("2-4", 9)) == 2
    assert overlap(parse("0-3", 9), parse("4,6-8", 9)) is None
