"""Conditions keep their place and their time."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.conditions import condition_of, is_true, put_condition

OLD, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def condition(status: str, message: str = "", time: str = "", kind: str = "Ready") -> dict[str, Any]:
    found = {"type": kind, "status": status, "reason": "Because", "message": message}
    return {**found, "lastTransitionTime": time} if time else found


OTHER = condition("True", time=OLD, kind="Other")


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        pytest.param(None, condition("True"), [condition("True", time=NOW)], id="the first"),
        pytest.param([OTHER], condition("True"), [OTHER, condition("True", time=NOW)], id="the first of its type"),
        pytest.param(
            [condition("False", time=OLD), OTHER],
            condition("True"),
            [condition("True", time=NOW), OTHER],
            id="another status",
        ),
        pytest.param(
            [condition("True", time=OLD)], condition("True", "b"), [condition("True", "b", OLD)], id="another message"
        ),
    ],
)
def test_a_condition_is_put(before: list[Any] | None, said: dict[str, Any], after: list[Any]) -> None:
    tree = {"status": {"conditions": before, "phase": "x"}} if before else {}
    assert put_condition(tree, said, NOW)
    assert tree["status"]["conditions"] == after
    assert (condition_of(tree, "Ready"), is_true(tree, "Ready")) == (
        next(c for c in after if c["type"] == "Ready"),
        said["status"] == "True",
    )


def test_what_is_said_already_changes_nothing() -> None:
    status = {"conditions": [condition("True", "a", OLD)]}
    tree = {"status": status}
    assert not put_condition(tree, condition("True", "a"), NOW)
    assert tree["status"] is status
