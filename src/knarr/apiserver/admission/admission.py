"""The two rounds of admission: those who may change a write, then those who may only refuse it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from knarr.apiserver.admission.plugin import Attributes, Operation, Plugin, Step, Surroundings

_Case = tuple[Operation, str, str]  # operation, resource, subresource: all that decides who has a say
_Round = Literal["mutate", "validate"]


class Admission:
    """Plugins in their order. https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/"""

    def __init__(self, plugins: Iterable[Plugin], surroundings: Surroundings) -> None:
        self._plugins = tuple(plugin.start(surroundings) if plugin.start else plugin for plugin in plugins)
        self._mutating: dict[_Case, tuple[Step, ...]] = {}
        self._validating: dict[_Case, tuple[Step, ...]] = {}

    async def mutate(self, attributes: Attributes) -> None:
        """Before the object is validated; a second time where somebody's change asks for it. Raises APIError."""
        steps = self._steps("mutate", self._mutating, attributes)
        await _take(steps, attributes)
        if attributes.reinvocation.wanted:
            attributes.reinvocation.again = True
            await _take(steps, attributes)

    async def validate(self, attributes: Attributes) -> None:
        """When the object is as it will be stored. Raises APIError."""
        await _take(self._steps("validate", self._validating, attributes), attributes)

    def _steps(self, which: _Round, known: dict[_Case, tuple[Step, ...]], attributes: Attributes) -> tuple[Step, ...]:
        case = (attributes.operation, attributes.kind.qualified_resource, attributes.subresource)
        steps = known.get(case)
        if steps is None:
            concerned = (plugin for plugin in self._plugins if plugin.handles(*case))
            steps = known[case] = tuple(step for plugin in concerned if (step := getattr(plugin, which)))
        return steps


class Waived(Admission):
    """For a write that has been admitted as something else: nobody has a say."""

    def __init__(self) -> None:
        self._plugins = ()
        self._mutating, self._validating = {}, {}


async def _take(steps: tuple[Step, ...], attributes: Attributes) -> None:
    for step in steps:
        pending = step(attributes)
        if pending is not None:
            await pending
