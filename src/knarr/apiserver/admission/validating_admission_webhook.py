"""ValidatingAdmissionWebhook: servers that are asked, all at once, about a write as it will be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from knarr.apiserver.admission.matching import CONFIGURATION, Match, is_exempt
from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.admission.showing import Trees, shown
from knarr.apiserver.followed import Followed
from knarr.apiserver.webhooks.asking import Asker, in_time
from knarr.apiserver.webhooks.concerning import concerned
from knarr.apiserver.webhooks.hook import Hook, hooks_of
from knarr.apiserver.webhooks.recording import place_of, record_silence
from knarr.machinery.errors import APIError

NAME = "ValidatingAdmissionWebhook"


class Validating:
    """Asks the webhooks of all configurations; the first refusal to come is the answer."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._registry, self._asker = surroundings.registry, Asker(surroundings, mutating=False)
        self._configured = Followed(surroundings.registry, CONFIGURATION, "validatingwebhookconfigurations", hooks_of)

    def validate(self, attributes: Attributes) -> Awaitable[None] | None:
        configured = self._configured.get()
        if not configured or is_exempt(attributes):
            return None
        hooks, kinds = [hook for hooks in configured for hook in hooks], self._registry.kinds
        found = [(index, hook, hook.matcher.match(attributes, kinds)) for index, hook in enumerate(hooks)]
        matches = [(index, hook, match) for index, hook, match in found if match]
        return in_time(attributes, self._ask_all(attributes, matches)) if matches else None

    async def _ask_all(self, attributes: Attributes, matched: Sequence[tuple[int, Hook, Match]]) -> None:
        matches = [each for each in matched if await concerned(each[1], attributes, each[2], self._registry)]
        forms = {match.resource: match for _, _, match in matches}
        trees = {resource: await shown(attributes, match) for resource, match in forms.items()}
        try:
            async with asyncio.TaskGroup() as group:
                for index, hook, match in matches:
                    group.create_task(self._ask(attributes, hook, match, trees[match.resource], index))
        except* APIError as refusals:
            raise refusals.exceptions[0] from None

    async def _ask(self, attributes: Attributes, hook: Hook, match: Match, trees: Trees, index: int) -> None:
        if await self._asker.ask(hook, attributes, match, trees) is None:
            record_silence(hook, place_of(0, index), "validating")


def start(surroundings: Surroundings) -> Plugin:
    return Plugin(NAME, validate=Validating(surroundings).validate, operations=EVERY_OPERATION, subresources=True)


PLUGIN = Plugin(NAME, start=start)
