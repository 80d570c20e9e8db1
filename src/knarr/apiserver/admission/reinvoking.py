"""Whom a plugin calls when the mutating round is gone through once more (reinvocationPolicy IfNeeded)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes
from knarr.machinery.trees import copied


@dataclass(slots=True)
class _Memory:
    """Who has been called since the object's last change, who is to be called again, and the object at the end."""

    called: set[Hashable] = field(default_factory=set)
    again: set[Hashable] = field(default_factory=set)
    output: JSON | None = None


class Calls:
    """The calls that one plugin makes in one round: all in the first, then those that asked for it (`reinvoked`) and
    whose object has changed since.
    """

    def __init__(self, attributes: Attributes, plugin: str) -> None:
        self._attributes, self._round = attributes, attributes.reinvocation
        self._memory: _Memory = self._round.memory.setdefault(plugin, _Memory())
        if self._round.again and attributes.object != self._memory.output:
            self._recall()

    def due(self, who: Hashable) -> bool:
        return not self._round.again or who in self._memory.again

    def made(self, who: Hashable, *, changed: bool, reinvoked: bool) -> None:
        if changed:
            self._recall()
            self._round.wanted = True
        if reinvoked:
            self._memory.called.add(who)

    def end(self) -> None:
        if self._round.wanted:
            self._memory.output = copied(self._attributes.object)

    def _recall(self) -> None:
        """Everybody called so far, who may be, is to see the change."""
        self._memory.again |= self._memory.called
        self._memory.called = set()
