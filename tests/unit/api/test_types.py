"""Types of the published definitions, with the rules that are attached to them."""

from __future__ import annotations

from typing import Any

from knarr.api.schema import definitions
from knarr.api.types import type_of
from knarr.machinery.trees import copied


def test_every_kind_can_be_worked_with() -> None:
    kinds = [name for name, schema in definitions().items() if "kind" in schema.get("properties", {})]
    assert len(kinds) > 100
    for name in kinds:
        kind, tree = type_of(name), {"kind": name.rpartition(".")[2]}
        assert kind.decode(tree) == [], name
        assert kind.validate_update(tree, tree) == [], name


def test_what_components_write_into_status_is_not_held_against_them() -> None:
    tree = {"metadata": {"name": "p"}, "spec": {"containers": []}, "status": {"containerStatuses": [{"name": "c"}]}}
    assert [e for e in type_of("io.k8s.api.core.v1.Pod").validate(tree) if e.path.startswith("status")] == []


def test_what_is_stored_comes_back_unchanged() -> None:
    kind = type_of("io.k8s.api.apps.v1.Deployment")
    container = {"name": "c", "image": "i", "resources": {"limits": {"cpu": "1000m"}}, "readinessProbe": {"exec": {}}}
    tree = {
        "metadata": {"name": "d", "creationTimestamp": "2026-01-02T03:04:05+00:00"},
        "spec": {"selector": {}, "strategy": None, "template": {"spec": {"containers": [container]}}},
    }
    kind.decode(tree)
    kind.default(tree)
    once = copied(tree)
    kind.decode(tree)
    kind.default(tree)
    assert tree == once


def test_renewing_a_tree_is_decoding_and_defaulting_what_was_touched() -> None:
    model = type_of("io.k8s.api.core.v1.Pod")
    spec = {"containers": [{"name": "c", "image": "i"}]}
    stored: dict[str, Any] = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": spec}
    model.decode(stored)
    model.default(stored)
    changed = {**copied(stored), "metadata": {"name": "p", "labels": None, "odd": 1}}
    assert model.renew(changed, {"metadata"}) == ["metadata.odd"]
    assert changed == stored
    longer = copied(stored)
    longer["spec"]["containers"].append({"name": "d", "image": "i"})
    assert model.renew(longer, {"spec"}) == []
    first, second = longer["spec"]["containers"]
    assert second == {**first, "name": "d"}
