"""ClusterRoles with an aggregationRule have the rules of those that it selects, and no others.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import CLUSTER_ROLES
from knarr.controllers.ownership import label_selector
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch


class AggregationRule(View, frozen=True):
    cluster_role_selectors: list[JSON] = []


class ClusterRole(Object, frozen=True):
    aggregation_rule: AggregationRule | None = None
    rules: list[JSON] | None = None


def gathered(role: ClusterRole, roles: Sequence[ClusterRole]) -> list[JSON]:
    """The rules of the roles that the role selects, in the order of their names, each once."""
    selectors = (
        [label_selector(s) for s in role.aggregation_rule.cluster_role_selectors] if role.aggregation_rule else []
    )
    found: list[JSON] = []
    for other in sorted(roles, key=lambda other: other.metadata.name):
        if other.metadata.name != role.metadata.name and any(s.matches(other.metadata.labels) for s in selectors):
            found += [rule for rule in other.rules or () if rule not in found]
    return found


async def reconcile(context: Context, key: str) -> None:
    """Give the role its rules."""
    cache = context.cache(CLUSTER_ROLES, ClusterRole)
    role = cache.get(key)
    if role is None or role.aggregation_rule is None:
        return
    rules = gathered(role, cache.list())
    if rules != (role.rules or []):
        patch = {"metadata": {"resourceVersion": role.metadata.resource_version}, "rules": rules or None}
        await context.client.patch(CLUSTER_ROLES, key, patch)


def _aggregated(role: ClusterRole, context: Context) -> Iterable[str]:
    """Any role may be a part of each that has an aggregationRule."""
    known = context.cache(CLUSTER_ROLES, ClusterRole).list()
    return (other.metadata.key for other in known if other.aggregation_rule)


CONTROLLER = Controller(
    name="clusterrole-aggregation-controller",
    watches=(Watch(CLUSTER_ROLES, ClusterRole, keys=_aggregated, needs_context=True),),
    reconcile=reconcile,
    may={"clusterroles.rbac.authorization.k8s.io": "escalate patch"},
)
