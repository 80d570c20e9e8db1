"""Every kind, in the order of discovery: groups as upstream prefers them, names in order within a group."""

from __future__ import annotations

from functools import cache

from knarr.api.kind import Kind
from knarr.api.kinds import (
    bindings,
    clusterrolebindings,
    clusterroles,
    componentstatuses,
    configmaps,
    controllerrevisions,
    cronjobs,
    csidrivers,
    csinodes,
    daemonsets,
    deployments,
    endpoints,
    endpointslices,
    events,
    events_new,
    horizontalpodautoscalers,
    ingressclasses,
    ingresses,
    ipaddresses,
    jobs,
    leases,
    limitranges,
    mutatingwebhookconfigurations,
    namespaces,
    networkpolicies,
    nodes,
    persistentvolumeclaims,
    persistentvolumes,
    poddisruptionbudgets,
    pods,
    podtemplates,
    priorityclasses,
    replicasets,
    replicationcontrollers,
    resourcequotas,
    rolebindings,
    roles,
    runtimeclasses,
    secrets,
    serviceaccounts,
    servicecidrs,
    services,
    statefulsets,
    storageclasses,
    validatingwebhookconfigurations,
    volumeattachments,
)

KINDS: tuple[Kind, ...] = (
    bindings.KIND,
    componentstatuses.KIND,
    configmaps.KIND,
    endpoints.KIND,
    events.KIND,
    limitranges.KIND,
    namespaces.KIND,
    nodes.KIND,
    persistentvolumeclaims.KIND,
    persistentvolumes.KIND,
    pods.KIND,
    podtemplates.KIND,
    replicationcontrollers.KIND,
    resourcequotas.KIND,
    secrets.KIND,
    serviceaccounts.KIND,
    services.KIND,
    controllerrevisions.KIND,
    daemonsets.KIND,
    deployments.KIND,
    replicasets.KIND,
    statefulsets.KIND,
    events_new.KIND,
    horizontalpodautoscalers.KIND,
    cronjobs.KIND,
    jobs.KIND,
    ingresses.KIND,
    ingressclasses.KIND,
    ipaddresses.KIND,
    networkpolicies.KIND,
    servicecidrs.KIND,
    poddisruptionbudgets.KIND,
    clusterrolebindings.KIND,
    clusterroles.KIND,
    rolebindings.KIND,
    roles.KIND,
    csidrivers.KIND,
    csinodes.KIND,
    storageclasses.KIND,
    volumeattachments.KIND,
    mutatingwebhookconfigurations.KIND,
    validatingwebhookconfigurations.KIND,
    priorityclasses.KIND,
    leases.KIND,
    runtimeclasses.KIND,
    endpointslices.KIND,
)


@cache
def _by_resource() -> dict[tuple[str, str], Kind]:
    return {(kind.group, kind.plural): kind for kind in KINDS}


def kind_of(group: str, plural: str) -> Kind | None:
    """The kind of a resource; `plural` is the name in URLs."""
    return _by_resource().get((group, plural))
