"""The admission plugins, in the order in which they see a write (upstream's)."""

from __future__ import annotations

from knarr.apiserver.admission import (
    certificate_approval,
    certificate_requester,
    certificate_signing,
    certificate_subject_restriction,
    default_ingress_class,
    default_storage_class,
    default_toleration_seconds,
    limit_ranger,
    mutating_admission_policy,
    mutating_admission_webhook,
    namespace_lifecycle,
    persistent_volume_claim_resize,
    pod_security,
    pod_topology_labels,
    priority,
    resource_quota,
    runtime_class,
    service_account,
    storage_object_in_use_protection,
    taint_nodes_by_condition,
    validating_admission_policy,
    validating_admission_webhook,
)
from knarr.apiserver.admission.plugin import Plugin

PLUGINS: tuple[Plugin, ...] = (
    namespace_lifecycle.PLUGIN,
    limit_ranger.PLUGIN,
    service_account.PLUGIN,
    taint_nodes_by_condition.PLUGIN,
    pod_security.PLUGIN,
    priority.PLUGIN,
    default_toleration_seconds.PLUGIN,
    default_storage_class.PLUGIN,
    storage_object_in_use_protection.PLUGIN,
    persistent_volume_claim_resize.PLUGIN,
    runtime_class.PLUGIN,
    certificate_requester.PLUGIN,
    certificate_approval.PLUGIN,
    certificate_signing.PLUGIN,
    certificate_subject_restriction.PLUGIN,
    default_ingress_class.PLUGIN,
    pod_topology_labels.PLUGIN,
    mutating_admission_policy.PLUGIN,
    mutating_admission_webhook.PLUGIN,
    validating_admission_policy.PLUGIN,
    validating_admission_webhook.PLUGIN,
    resource_quota.PLUGIN,
)
