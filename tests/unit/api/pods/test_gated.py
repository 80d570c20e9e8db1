"""Where a Pod may go while a gate holds it back, and what of a running one may be resized."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from knarr.api.pods.subresources import validate_ephemeral, validate_resize
from tests.unit.api.manifests import pod, prepared, update_faults

JSON = dict[str, Any]
TERMS = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
A = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
B = {"matchExpressions": [*A["matchExpressions"], {"key": "b", "operator": "Exists"}]}


def affinity(*terms: JSON) -> JSON:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def gated(**spec: Any) -> JSON:
    tree = prepared(pod("schedulingGates: [{name: a.b/c}], containers: [{name: web, image: a}]"))
    return {**tree, "spec": {**tree["spec"], **spec}}


CHANGES: dict[str, tuple[JSON, JSON, list[str]]] = {
    "one label more": (gated(nodeSelector={"a": "b"}), gated(nodeSelector={"a": "b", "c": "d"}), []),
    "another label": (
        gated(nodeSelector={"a": "b"}),
        gated(nodeSelector={"c": "d"}),
        [
            'spec.nodeSelector: Invalid value: {"c":"d"}: '
            "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        ],
    ),
    "a first affinity": (gated(), gated(affinity=affinity(A)), []),
    "one requirement more": (gated(affinity=affinity(A)), gated(affinity=affinity(B)), []),
    "one requirement less": (gated(affinity=affinity(B)), gated(affinity=affinity(A)), [f"{TERMS}[0]: Invalid value"]),
    "one choice more": (gated(affinity=affinity(A)), gated(affinity=affinity(A, B)), [f"{TERMS}: Invalid value"]),
    "affinity to Pods": (gated(), gated(affinity={"podAffinity": {}}), ["spec: Forbidden"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_places(case: str) -> None:
    old, new, expected = CHANGES[case]
    found = update_faults(new, old)
    assert len(found) == len(expected)
    assert all(fault.startswith(wanted) for fault, wanted in zip(found, expected, strict=True))


SIZES = "resources: {requests: {cpu: 1}, limits: {cpu: 2}}"
SPEC = (
    f"containers: [{{name: web, image: a, {SIZES}}}], "
    f"initContainers: [{{name: side, image: a, restartPolicy: Always, {SIZES}}}, {{name: init, image: a, {SIZES}}}]"
)


def resize(sort: str, index: int, **resources: JSON) -> Callable[[JSON], None]:
    return lambda tree: tree["spec"][sort][index].update(resources=resources)


RESIZES: dict[str, tuple[Callable[[JSON], None], list[str]]] = {
    "a container": (resize("containers", 0, requests={"cpu": "2"}, limits={"cpu": "3"}), []),
    "a sidecar": (resize("initContainers", 0, requests={"cpu": "2"}, limits={"cpu": "3"}), []),
    "what has run": (
        resize("initContainers", 1, requests={"cpu": "2"}, limits={"cpu": "3"}),
        [
            "spec.initContainers[1].resources: Forbidden: resources for non-sidecar init containers are immutable",
        ],
    ),
    "to nothing": (
        resize("containers", 0, requests={"cpu": "1"}),
        ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
    ),
    "space": (
        resize("containers", 0, requests={"cpu": "1", "ephemeral-storage": "1Gi"}, limits={"cpu": "2"}),
        ["spec: Forbidden: only cpu and memory resources are mutable"],
    ),
    "the whole": (
        lambda tree: tree["spec"].update(resources={"requests": {"cpu": "4"}}),
        [],
    ),
}


@pytest.mark.parametrize("case", RESIZES)
def test_sizes(case: str) -> None:
    change, expected = RESIZES[case]
    old = prepared(pod(SPEC))
    new = deepcopy(old)
    change(new)
    assert [str(error) for error in validate_resize(new, old)] == expected


def test_what_a_node_has_from_elsewhere_stays_as_it_is() -> None:
    tree = prepared(pod(SPEC))
    tree["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "1"}
    found = [str(error) for check in (validate_resize, validate_ephemeral) for error in check(tree, tree)]
    assert found == [
        "Forbidden: static pods cannot be resized",
        "Forbidden: static pods do not support ephemeral containers",
    ]
