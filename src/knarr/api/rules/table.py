"""Every rule, in the order of its subject; two rules may be about one definition, both hold."""

from __future__ import annotations

from knarr.api.kind import Rules
from knarr.api.rules import (
    configuration,
    containers,
    endpoints,
    environment,
    jobs,
    leases,
    metadata,
    networking,
    nodes,
    pod_spec,
    pods,
    policies,
    probes,
    resources,
    roles,
    selectors,
    services,
    storage,
    volumes,
    webhooks,
    workloads,
)

RULES: tuple[Rules, ...] = (
    *metadata.RULES,
    *selectors.RULES,
    *pods.RULES,
    *pod_spec.RULES,
    *containers.RULES,
    *environment.RULES,
    *probes.RULES,
    *resources.RULES,
    *volumes.RULES,
    *workloads.RULES,
    *jobs.RULES,
    *services.RULES,
    *endpoints.RULES,
    *configuration.RULES,
    *leases.RULES,
    *nodes.RULES,
    *networking.RULES,
    *roles.RULES,
    *storage.RULES,
    *policies.RULES,
    *webhooks.RULES,
)
