"""MutatingAdmissionWebhook: servers that are asked, one after the other, and may change what is written.

Where one has changed it the mutating round is gone through once more, and those who asked for it are called again if
the object has changed since (reinvocationPolicy IfNeeded).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from knarr.apiserver.admission.matching import CONFIGURATION, Match, is_exempt
from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.admission.reinvoking import Calls
from knarr.apiserver.admission.showing import shown
from knarr.apiserver.followed import Followed
from knarr.apiserver.webhooks.asking import Asker, in_time
from knarr.apiserver.webhooks.changing import change
from knarr.apiserver.webhooks.concerning import concerned
from knarr.apiserver.webhooks.hook import Hook, hooks_of
from knarr.apiserver.webhooks.recording import place_of, record_change, record_silence

NAME = "MutatingAdmissionWebhook"


class Mutating:
    """Asks the webhooks of all configurations, by their names and in their order."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._registry, self._asker = surroundings.registry, Asker(surroundings, mutating=True)
        self._configured = Followed(surroundings.registry, CONFIGURATION, "mutatingwebhookconfigurations", hooks_of)

    def mutate(self, attributes: Attributes) -> Awaitable[None] | None:
        configured = self._configured.get()
        if not configured or is_exempt(attributes):
            return None
        return in_time(attributes, self._ask_each(attributes, [hook for hooks in configured for hook in hooks]))

    async def _ask_each(self, attributes: Attributes, hooks: Sequence[Hook]) -> None:
        calls = Calls(attributes, NAME)
        for index, hook in enumerate(hooks):
            match = hook.matcher.match(attributes, self._registry.kinds) if calls.due(hook.uid) else None
            if match and await concerned(hook, attributes, match, self._registry):
                changed = await self._ask(attributes, hook, match, index)
                calls.made(hook.uid, changed=changed, reinvoked=hook.reinvoked)
        calls.end()

    async def _ask(self, attributes: Attributes, hook: Hook, match: Match, index: int) -> bool:
        """Whether the webhook has changed the object."""
        trees = await shown(attributes, match)
        found = await self._asker.ask(hook, attributes, match, trees)
        place = place_of(int(attributes.reinvocation.again), index)
        if found is None:
            record_silence(hook, place, "mutating")
            return False
        changed = await change(attributes, match, hook.name, found.patch, trees[0])
        record_change(hook, place, found.patch, changed=changed)
        return changed


def start(surroundings: Surroundings) -> Plugin:
    return Plugin(NAME, mutate=Mutating(surroundings).mutate, operations=EVERY_OPERATION, subresources=True)


PLUGIN = Plugin(NAME, start=start)
