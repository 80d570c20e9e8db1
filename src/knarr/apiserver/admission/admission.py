"""The two rounds of admission: those who may change a write, then those who may only refuse it; and its price."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from knarr.apiserver.admission.plugin import Attributes, Charge, Operation, Plugin, Step, Surroundings
from knarr.apiserver.metrics.admission import Durations, PluginFigures
from knarr.storage.store import Write

_Case = tuple[str, Operation, str, str]  # round, operation, resource, subresource: all that decides who has a say


class Admission:
    """Plugins in their order. https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/"""

    def __init__(self, plugins: Iterable[Plugin], surroundings: Surroundings) -> None:
        self._now = surroundings.registry.clock.monotonic
        self._durations = Durations(surroundings.registry.metrics, surroundings.registry.clock)
        self._prepare(plugin.start(surroundings) if plugin.start else plugin for plugin in plugins)

    def _prepare(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = tuple(plugins)
        self._known: dict[_Case, tuple[Any, ...]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def mutate(self, attributes: Attributes) -> None:
        """Before the object is validated; a second time where somebody's change asks for it. Raises APIError."""
        if not (steps := self._of("mutate", attributes)):
            return
        with self._durations.of(attributes.operation, "admit"):
            await _take(steps, attributes, self._now)
            if attributes.reinvocation.wanted:
                attributes.reinvocation.again = True
                await _take(steps, attributes, self._now)

    async def validate(self, attributes: Attributes) -> None:
        """When the object is as it will be stored. Raises APIError."""
        if steps := self._of("validate", attributes):
            with self._durations.of(attributes.operation, "validate"):
                await _take(steps, attributes, self._now)

    def charges(self, attributes: Attributes) -> Sequence[Write]:
        """What has to be committed with the write. Raises APIError."""
        charges: tuple[Charge, ...] = self._of("charge", attributes)
        return [write for charge in charges for write in charge(attributes)]

    def turn(self, namespace: str) -> asyncio.Lock:
        """Writes that are charged go one after the other in a namespace: all at once, all but one would conflict."""
        return self._turns.setdefault(namespace, asyncio.Lock())

    def _of(self, which: str, attributes: Attributes) -> tuple[Any, ...]:
        case = (which, attributes.operation, attributes.kind.qualified_resource, attributes.subresource)
        steps = self._known.get(case)
        if steps is None:
            concerned = (plugin for plugin in self._plugins if plugin.handles(*case[1:]))
            found = [(plugin.name, step) for plugin in concerned if (step := getattr(plugin, which))]
            steps = self._known[case] = tuple(
                step if which == "charge" else (step, self._durations.plugin(name, attributes.operation, which))
                for name, step in found
            )
        return steps


class Waived(Admission):
    """For a write that has been admitted as something else: nobody has a say."""

    def __init__(self) -> None:
        self._prepare(())


async def _take(
    steps: tuple[tuple[Step, PluginFigures], ...], attributes: Attributes, now: Callable[[], float]
) -> None:
    """Each step begins when the one before has ended."""
    begun = now()
    for step, figures in steps:
        try:
            pending = step(attributes)
            if pending is not None:
                await pending
        except BaseException:
            figures.rejected(now() - begun)
            raise
        ended = now()
        figures.passed.observe(ended - begun)
        begun = ended
