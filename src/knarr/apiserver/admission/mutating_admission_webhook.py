"""MutatingAdmissionWebhook: servers that are asked, one after the other, and may change what is written.

Where one has changed it the mutating round is gone through once more, and those who asked for it are called again if
the object has changed since (reinvocationPolicy IfNeeded).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from knarr.api.kind import JSON
from knarr.apiserver.admission.matching import Match, is_exempt
from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.followed import Followed
from knarr.apiserver.webhooks.asking import Asker, in_time, shown
from knarr.apiserver.webhooks.changing import change
from knarr.apiserver.webhooks.concerning import concerning
from knarr.apiserver.webhooks.hook import GROUP, Hook, hooks_of
from knarr.machinery.trees import copied

NAME = "MutatingAdmissionWebhook"


@dataclass(slots=True)
class _Memory:
    """Whom the first round called, who is to be called again, and what the object was when it ended."""

    called: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    output: JSON | None = None

    def changed(self) -> None:
        """Everybody called so far, who may be, is to see it."""
        self.again |= self.called
        self.called = set()


class Mutating:
    """Asks the webhooks of all configurations, by their names and in their order."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._registry, self._asker = surroundings.registry, Asker(surroundings, mutating=True)
        self._configured = Followed(surroundings.registry, GROUP, "mutatingwebhookconfigurations", hooks_of)

    def mutate(self, attributes: Attributes) -> Awaitable[None] | None:
        configured = self._configured.get()
        if not configured or is_exempt(attributes):
            return None
        return in_time(attributes, self._ask_each(attributes, [hook for hooks in configured for hook in hooks]))

    async def _ask_each(self, attributes: Attributes, hooks: Sequence[Hook]) -> None:
        round_ = attributes.reinvocation
        memory: _Memory = round_.memory.setdefault(NAME, _Memory())
        if round_.again and attributes.object != memory.output:
            memory.changed()
        for hook in hooks:
            if round_.again and hook.uid not in memory.again:
                continue
            if match := concerning(hook, attributes, self._registry):
                if await self._ask(attributes, hook, match):
                    memory.changed()
                    round_.wanted = True
                if hook.reinvoked:
                    memory.called.add(hook.uid)
        if round_.wanted:
            memory.output = copied(attributes.object)

    async def _ask(self, attributes: Attributes, hook: Hook, match: Match) -> bool:
        """Whether the webhook has changed the object."""
        trees = await shown(attributes, match)
        found = await self._asker.ask(hook, attributes, match, trees)
        return found is not None and await change(attributes, match, hook.name, found.patch, trees[0])


def start(surroundings: Surroundings) -> Plugin:
    return Plugin(NAME, mutate=Mutating(surroundings).mutate, operations=EVERY_OPERATION, subresources=True)


PLUGIN = Plugin(NAME, start=start)
