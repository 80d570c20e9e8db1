"""The two rounds of admission: those who may change a write, then those who may only refuse it."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.apiserver.admission.plugin import Attributes, Plugin, Step


class Admission:
    """Plugins in their order. https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/"""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = tuple(plugins)

    async def mutate(self, attributes: Attributes) -> None:
        """Before the object is validated. Raises APIError."""
        for plugin in self._plugins:
            await _take(plugin.mutate, plugin, attributes)

    async def validate(self, attributes: Attributes) -> None:
        """When the object is as it will be stored. Raises APIError."""
        for plugin in self._plugins:
            await _take(plugin.validate, plugin, attributes)


async def _take(step: Step | None, plugin: Plugin, attributes: Attributes) -> None:
    if step is not None and plugin.handles(attributes):
        pending = step(attributes)
        if pending is not None:
            await pending
