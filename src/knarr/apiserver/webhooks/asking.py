"""Asking one webhook about one write."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from typing import Any

from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.showing import converter_of, shown_tree
from knarr.apiserver.encoding import api_version
from knarr.apiserver.outbound import CallError, Webhooks
from knarr.apiserver.webhooks.hook import Hook
from knarr.apiserver.webhooks.reviews import ReviewError, Verdict, review, verdict
from knarr.machinery.errors import BadRequest, Cause, InternalError, Timeout

log = logging.getLogger(__name__)


Trees = tuple[Any, Any]  # the object and the old one, in the form in which they are shown


async def in_time(attributes: Attributes, admission: Awaitable[None]) -> None:
    """No longer than the request may take. Raises Timeout."""
    try:
        async with asyncio.timeout(attributes.seconds):
            await admission
    except TimeoutError:
        why = "request did not complete within requested timeout - context deadline exceeded"
        raise Timeout(f"Timeout: {why}") from None


async def ask(
    webhooks: Webhooks, hook: Hook, attributes: Attributes, match: Match, trees: Trees, *, mutating: bool
) -> Verdict | None:
    """What the webhook says; None where it could not be asked, and that does not matter.

    Its warnings and annotations are taken over. Raises APIError where it refuses, or had to be asked.
    """
    if attributes.dry_run and not hook.harmless:
        raise BadRequest(f'admission webhook "{hook.name}" does not support dry run')
    uid, version = str(uuid.uuid4()), hook.review_version
    body = review(version, uid, attributes, match, trees)
    try:
        answer = await webhooks.call(hook.target, body, min(hook.seconds, attributes.seconds))
        found = verdict(answer, version, uid, mutating=mutating)
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


async def shown(attributes: Attributes, match: Match) -> Trees:
    """The object and the old one in the form of the match. Raises APIError where somebody has to convert them."""
    trees = (attributes.object, attributes.old)
    converter = converter_of(attributes, match)
    if converter is None:
        return shown_tree(trees[0], attributes, match), shown_tree(trees[1], attributes, match)
    exact = Match(attributes.kind, attributes.version)
    given = [tree for tree in (shown_tree(tree, attributes, exact) for tree in trees) if tree is not None]
    found = iter(await converter.convert(given, api_version(match.kind, match.version)))
    new, old = [None if tree is None else next(found) for tree in trees]
    return new, old
