"""Types of the published definitions, with the rules that are attached to them."""

from __future__ import annotations

from knarr.api.schema import definitions
from knarr.api.types import type_of


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
