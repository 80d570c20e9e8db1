"""The admission plugins, in the order in which they see a write (upstream's)."""

from __future__ import annotations

from knarr.apiserver.admission import (
    default_toleration_seconds,
    namespace_lifecycle,
    priority,
    service_account,
)
from knarr.apiserver.admission.plugin import Attributes, Plugin

PLUGINS: tuple[Plugin, ...] = (
    namespace_lifecycle.PLUGIN,
    service_account.PLUGIN,
    priority.PLUGIN,
    default_toleration_seconds.PLUGIN,
)


def admit(attributes: Attributes) -> None:
    """Show a write to every plugin that handles it. Raises APIError."""
    for plugin in PLUGINS:
        if plugin.handles(attributes):
            plugin.admit(attributes)
