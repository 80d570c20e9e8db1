"""Aggregated ClusterRoles have the rules of those that they select."""

from __future__ import annotations

from knarr.client.objects import JSON
from knarr.client.resources import CLUSTER_ROLES
from knarr.controllers import clusterroleaggregation
from tests.unit.controllers.bench import Bench

ALL = {
    "clusterRoleSelectors": [{"matchLabels": {"to": "all"}}, {"matchExpressions": [{"key": "x", "operator": "Exists"}]}]
}


ALL_PATH = CLUSTER_ROLES.path("", "all")


def rule(resource: str) -> JSON:
    return {"verbs": ["get"], "apiGroups": [""], "resources": [resource]}


def role(bench: Bench, name: str, *resources: str, aggregation: JSON | None = None, **labels: str) -> None:
    gathers = {"aggregationRule": aggregation} if aggregation else {}
    rules = [rule(resource) for resource in resources]
    bench.put(CLUSTER_ROLES, name, "", metadata={"labels": labels}, rules=rules, **gathers)


async def test_rules_are_gathered_in_the_order_of_names_each_once() -> None:
    bench = Bench(clusterroleaggregation.CONTROLLER)
    role(bench, "all", "nodes", aggregation=ALL, to="all")
    role(bench, "b", "pods", "secrets", to="all")
    role(bench, "a", "pods", x="y")
    role(bench, "c", "configmaps", to="others")
    await bench.run()
    assert [(method, path, body["rules"]) for method, path, body in bench.actions] == [
        ("PATCH", ALL_PATH, [rule("pods"), rule("secrets")])
    ]


async def test_rules_that_are_right_are_left_alone() -> None:
    bench = Bench(clusterroleaggregation.CONTROLLER)
    role(bench, "all", "pods", aggregation=ALL)
    role(bench, "a", "pods", to="all")
    await bench.run()
    assert bench.actions == []


async def test_a_role_of_another_that_changes_is_heard_of() -> None:
    bench = Bench(clusterroleaggregation.CONTROLLER)
    role(bench, "all", aggregation=ALL)
    async with bench.running():
        role(bench, "a", "pods", to="all")
        await bench.advance(1)
    assert [(method, path, body["rules"]) for method, path, body in bench.actions] == [
        ("PATCH", ALL_PATH, [rule("pods")])
    ]
