"""Asking one webhook about one write."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable

from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes, Surroundings
from knarr.apiserver.admission.showing import Trees
from knarr.apiserver.audit.trails import spent
from knarr.apiserver.metrics.webhooks import WebhookFigures
from knarr.apiserver.outbound import CallError
from knarr.apiserver.webhooks.hook import Hook
from knarr.apiserver.webhooks.reviews import Denied, ReviewError, Verdict, review, verdict
from knarr.machinery.errors import APIError, BadRequest, Cause, InternalError, Timeout

log = logging.getLogger(__name__)


async def in_time(attributes: Attributes, admission: Awaitable[None]) -> None:
    """No longer than the request may take. Raises Timeout."""
    try:
        async with asyncio.timeout(attributes.seconds):
            await admission
    except TimeoutError:
        why = "request did not complete within requested timeout - context deadline exceeded"
        raise Timeout(f"Timeout: {why}") from None


class Asker:
    """Asks webhooks, and counts what comes of it."""

    def __init__(self, surroundings: Surroundings, *, mutating: bool) -> None:
        self._webhooks, self._clock, self._mutating = surroundings.webhooks, surroundings.registry.clock, mutating
        self._figures = WebhookFigures(surroundings.registry.metrics, "admit" if mutating else "validating")

    async def ask(self, hook: Hook, attributes: Attributes, match: Match, trees: Trees) -> Verdict | None:
        """What the webhook says; None where it could not be asked, and that does not matter.

        Its warnings and annotations are taken over. Raises APIError where it refuses, or had to be asked.
        """
        if attributes.dry_run and not hook.harmless:
            raise BadRequest(f'admission webhook "{hook.name}" does not support dry run')
        name, operation, started = hook.name, attributes.operation, self._clock.monotonic()
        try:
            found = await self._ask(hook, attributes, match, trees)
        except APIError as error:
            seconds = self._clock.monotonic() - started
            self._figures.rejected(name, operation, seconds, error.code, called=isinstance(error, Denied))
            raise
        seconds = self._clock.monotonic() - started
        self._figures.passed(name, operation, seconds, unasked=found is None)
        if self._mutating:
            spent("mutating-webhook", seconds)
        else:
            spent("validating-webhook", seconds, at_once=True)
        return found

    async def _ask(self, hook: Hook, attributes: Attributes, match: Match, trees: Trees) -> Verdict | None:
        uid, version = str(uuid.uuid4()), hook.review_version
        body = review(version, uid, attributes, match, trees)
        try:
            answer = await self._webhooks.call(hook.target, body, min(hook.seconds, attributes.seconds))
            found = verdict(answer, version, uid, mutating=self._mutating)
        except CallError as error:
            _pass_over(hook, f"failed to call webhook: {error}")
            return None
        except ReviewError as error:
            _pass_over(hook, f"received invalid webhook response: {error}")
            return None
        attributes.warnings.extend(found.warnings)
        attributes.annotations.update((f"{hook.name}/{key}", value) for key, value in found.annotations.items())
        if not found.allowed:
            raise found.refusal(hook.name)
        return found


def _pass_over(hook: Hook, why: str) -> None:
    """Go on without a webhook's word. Raises InternalError where it is needed."""
    text = f'failed calling webhook "{hook.name}": {why}'
    if not hook.fails_open:
        raise InternalError(f"Internal error occurred: {text}", causes=[Cause("", text)])
    log.warning("%s; it is ignored", text)
