"""Stored roles and bindings against the default ones."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.authz.defaults.notation import rule
from knarr.apiserver.authz.reconciling import reconciled

JSON = dict[str, Any]
MARKS: JSON = {"labels": {"l": "1"}, "annotations": {"a": "1"}}
VIEW = {"matchLabels": {"to": "view"}}


def role(*lines: str, **metadata: Any) -> JSON:
    return {"metadata": {"name": "r", **MARKS, **metadata}, "rules": [rule(line) for line in lines] or None}


def binding(to: str, *names: str, **metadata: Any) -> JSON:
    subjects = [{"kind": "User", "name": name} for name in names]
    return {"metadata": {"name": "b", **MARKS, **metadata}, "roleRef": {"name": to}, "subjects": subjects}


def gathering(*selectors: JSON) -> JSON:
    return {**role(), "aggregationRule": {"clusterRoleSelectors": list(selectors)}}


@pytest.mark.parametrize(
    ("found", "default", "expected"),
    [
        pytest.param(role("get: pods"), role("get: pods"), role("get: pods"), id="as it should be"),
        pytest.param(
            role("get: pods"), role("get list: pods"), role("get: pods", "list: pods"), id="verbs that are missing"
        ),
        pytest.param(role("*: * in *"), role("get: pods"), role("*: * in *"), id="rules that allow more"),
        pytest.param(
            role("get: pods", labels={"l": "2", "own": "x"}, annotations=None),
            role("get: pods"),
            role("get: pods", labels={"l": "2", "own": "x"}, annotations={"a": "1"}),
            id="labels are users'",
        ),
        pytest.param(
            binding("r", "bob"), binding("r", "alice"), binding("r", "bob", "alice"), id="subjects that are missing"
        ),
        pytest.param(binding("other", "bob"), binding("r", "alice"), binding("r", "alice"), id="another role"),
        pytest.param(gathering({}), gathering(VIEW), gathering({}, VIEW), id="selectors that are missing"),
        pytest.param(
            {**gathering(VIEW), "rules": [rule("get: pods")]},
            gathering(VIEW),
            {**gathering(VIEW), "rules": [rule("get: pods")]},
            id="rules that were gathered",
        ),
    ],
)
def test_reconciled(found: JSON, default: JSON, expected: JSON) -> None:
    assert reconciled(found, default) == expected
