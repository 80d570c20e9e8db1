"""Events in both of their shapes: what each asks, and what of one may still change."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from knarr.api.events import FIELDS, NEW_SELECTORS
from tests.unit.api.manifests import kind_for

JSON = dict[str, Any]
OLD: JSON = {"metadata": {"name": "e", "namespace": "b"}, "involvedObject": {"kind": "Pod", "namespace": "b"}}
NEW: JSON = {
    **OLD,
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "type": "Normal",
    "reportingComponent": "example.com/c",
    "reportingInstance": "i",
    "action": "Start",
    "reason": "Started",
}


def faults(version: str, event: JSON) -> list[str]:
    """What creation would refuse of an event as it is stored."""
    kind = kind_for(version, "Event")
    rules = (kind.validate, kind.validate_create)
    return [str(error) for rule in rules if rule for error in rule(event)]


CREATED: dict[str, tuple[str, JSON, list[str]]] = {
    "an old one": ("v1", OLD, []),
    "of another namespace": (
        "v1",
        {**OLD, "involvedObject": {"namespace": "c"}},
        ['involvedObject.namespace: Invalid value: "c": does not match event.namespace'],
    ),
    "of no namespace": (
        "v1",
        {**OLD, "involvedObject": {"kind": "Node"}},
        ['involvedObject.namespace: Invalid value: "": does not match event.namespace'],
    ),
    "of no namespace, where such are": (
        "v1",
        {**OLD, "metadata": {"name": "e", "namespace": "default"}, "involvedObject": {"kind": "Node"}},
        [],
    ),
    "with a time, in the old group": (
        "v1",
        {**OLD, "eventTime": NEW["eventTime"], "message": "x" * 1025},
        [
            "reportingComponent: Required value",
            'reportingComponent: Invalid value: "": name part must be non-empty',
            "reportingComponent: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or "
            "'.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            "reportingInstance: Required value",
            "action: Required value",
            "reason: Required value",
            'message: Invalid value: "": can have at most 1024 characters',
        ],
    ),
    "a new one": ("events.k8s.io/v1", NEW, []),
    "a new one, without a time": (
        "events.k8s.io/v1",
        {**OLD, "type": "Odd"},
        ["eventTime: Required value", 'type: Invalid value: "": has invalid value: Odd'],
    ),
    "a new one with what events had": (
        "events.k8s.io/v1",
        {**NEW, "count": 1, "firstTimestamp": NEW["eventTime"], "source": {"component": "x"}},
        [
            'firstTimestamp: Invalid value: "": needs to be unset',
            'count: Invalid value: "": needs to be unset',
            'source: Invalid value: "": needs to be unset',
        ],
    ),
    "a series of one": (
        "events.k8s.io/v1",
        {**NEW, "series": {"count": 1}},
        ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"],
    ),
    "a long action": (
        "events.k8s.io/v1",
        {**NEW, "action": "x" * 129},
        ['action: Invalid value: "": can have at most 128 characters'],
    ),
}


@pytest.mark.parametrize("case", CREATED)
def test_new_events(case: str) -> None:
    version, event, expected = CREATED[case]
    assert faults(version, event) == expected


CHANGES: dict[str, tuple[str, JSON, list[str]]] = {
    "once more": ("events.k8s.io/v1", {"series": {"count": 2, "lastObservedTime": NEW["eventTime"]}}, []),
    "another reason": (
        "events.k8s.io/v1",
        {"reason": "Stopped", "reportingComponent": "x"},
        [
            'reason: Invalid value: "Stopped": field is immutable',
            'reportingController: Invalid value: "x": field is immutable',
        ],
    ),
    "another reason, in the old group": ("v1", {"reason": "Stopped", "count": 2}, []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changed_events(case: str) -> None:
    version, change, expected = CHANGES[case]
    rule = kind_for(version, "Event").validate_update
    assert [str(error) for error in rule({**deepcopy(NEW), **change}, NEW)] == expected if rule else expected == []


def test_each_shape_has_its_own_names_of_the_same_fields() -> None:
    assert set(FIELDS) - set(NEW_SELECTORS) >= {"involvedObject.name", "reportingComponent", "source"}
    assert set(NEW_SELECTORS) - set(FIELDS) >= {"regarding.name", "reportingController"}
    assert set(NEW_SELECTORS.values()) <= set(FIELDS)
