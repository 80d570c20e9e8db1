"""The admission plugins, in the order in which they see a write (upstream's)."""

from __future__ import annotations

from knarr.apiserver.admission import (
    certificate_requester,
    default_toleration_seconds,
    limit_ranger,
    mutating_admission_webhook,
    namespace_lifecycle,
    pod_security,
    priority,
    resource_quota,
    service_account,
    validating_admission_webhook,
)
from knarr.apiserver.admission.plugin import Plugin

PLUGINS: tuple[Plugin, ...] = (
    namespace_lifecycle.PLUGIN,
    limit_ranger.PLUGIN,
    service_account.PLUGIN,
    pod_security.PLUGIN,
    priority.PLUGIN,
    default_toleration_seconds.PLUGIN,
    certificate_requester.PLUGIN,
    mutating_admission_webhook.PLUGIN,
    validating_admission_webhook.PLUGIN,
    resource_quota.PLUGIN,
)
