from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knarr.api.kinds.table import KINDS
from knarr.apiserver.verbs.deleting import DeleteOptions, finished, mark

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = next(kind for kind in KINDS if kind.qualified_resource == "pods")


def pod(phase: str = "Running", node: str = "n", grace: int = 30, **metadata: Any) -> dict[str, Any]:
    spec = {"terminationGracePeriodSeconds": grace, **({"nodeName": node} if node else {})}
    return {"kind": "Pod", "metadata": {"name": "p", **metadata}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("obj", "options", "grace"),
    [
        pytest.param(pod(), DeleteOptions(), 30, id="its own grace"),
        pytest.param(pod(), DeleteOptions(grace=5), 5, id="the client's grace"),
        pytest.param(pod(), DeleteOptions(grace=-1), 1, id="a negative grace is a second"),
        pytest.param(pod(node=""), DeleteOptions(), 0, id="not scheduled"),
        pytest.param(pod("Succeeded"), DeleteOptions(grace=5), 0, id="succeeded"),
        pytest.param(pod("Failed"), DeleteOptions(), 0, id="failed"),
    ],
)
def test_grace(obj: dict[str, Any], options: DeleteOptions, grace: int) -> None:
    mark(POD, obj, options, NOW)
    assert obj["metadata"]["deletionGracePeriodSeconds"] == grace
    assert finished(obj) is (grace == 0)


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        pytest.param("", ["orphan", "x/y"], ["orphan", "x/y"], id="none keeps"),
        pytest.param("Background", ["orphan", "x/y"], ["x/y"], id="background removes"),
        pytest.param("Foreground", ["orphan"], ["foregroundDeletion"], id="foreground replaces"),
        pytest.param("Orphan", [], ["orphan"], id="orphan adds"),
    ],
)
def test_policies_and_finalizers(policy: str, before: list[str], after: list[str]) -> None:
    obj = pod(node="", finalizers=before)
    mark(POD, obj, DeleteOptions(policy=policy), NOW)
    assert obj["metadata"].get("finalizers", []) == after
    assert finished(obj) is False
