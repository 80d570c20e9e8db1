"""The webhook authorizer: somebody else is asked, and what they say is believed for a while.

https://kubernetes.io/docs/reference/access-authn-authz/webhook/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.audit.trails import spent
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import NO_OPINION, Authorizer, Decision, Held, Verdict
from knarr.apiserver.authz.configuration import Webhook
from knarr.apiserver.authz.subjectreviews import ReviewError, decision, may_be_remembered, review, spec_of, whole
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.metrics.authorization import WebhookFigures
from knarr.apiserver.outbound import CallError
from knarr.apiserver.registry import Registry
from knarr.machinery.expiring import Expiring

if TYPE_CHECKING:
    from knarr.apiserver.outbound.remotes import Remote
    from knarr.machinery.cel import Program

log = logging.getLogger(__name__)

_REMEMBERED = 8192  # answers
_PATIENCE = 60.0  # real seconds of all attempts together: what a request may take
_UNRESOLVED = "webhook authorizer does not support user rule resolution"


class WebhookAuthorizer(Authorizer):
    """Asks `remote`, where nothing is remembered of the same question and the conditions hold."""

    def __init__(self, name: str, settings: Webhook, remote: Remote, registry: Registry) -> None:
        self._settings, self._remote = settings, remote
        self._clock, self._aside = registry.clock, registry.aside
        self._figures = WebhookFigures(registry.metrics, name)
        self._conditions = _compiled(settings.conditions)
        self._known: Expiring[bytes, Decision] = Expiring(registry.clock, _REMEMBERED)

    def at_once(self, user: User, info: RequestInfo) -> Decision | None:
        return self._known.get(msgspec.json.encode(spec_of(user, info)))

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        spec = spec_of(user, info)
        key = msgspec.json.encode(spec)
        if (known := self._known.get(key)) is not None:
            return known
        if self._conditions:
            passed = await self._aside.do(lambda here: self._passed_over(spec, here))
            if passed is not None:
                return passed
        try:
            found = await self._ask(spec)
        except (CallError, ReviewError) as error:
            log.error("Failed to make webhook authorizer request: %s", error)  # it is no fault of ours
            return self._failed(str(error))
        if may_be_remembered(info):
            self._remember(key, found)
        return found

    def held(self, user: User, namespace: str) -> Held:
        return Held(errors=(_UNRESOLVED,), incomplete=True)

    def close(self) -> None:
        """Ask nobody any more; what is under way goes on."""
        self._remote.close()

    async def _ask(self, spec: JSON) -> Decision:
        """Raises CallError, ReviewError."""
        version, started = self._settings.version, self._clock.monotonic()
        with self._figures.asking(self._clock, fails_open=not self._settings.denies_when_it_fails):
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await self._remote.call(review(version, spec), self._settings.seconds)
            except TimeoutError:
                raise CallError("context deadline exceeded", late=True) from None
            finally:
                spent("authorization", self._clock.monotonic() - started)
            return decision(answer, version)

    def _passed_over(self, spec: JSON, here: int | None) -> Decision | None:
        """The decision that needs no answer of the webhook: the conditions do not hold, or cannot be evaluated."""
        from knarr.apiserver.authz.conditions import ConditionError, meets  # loaded where there are some

        started = self._clock.monotonic()
        try:
            if meets(self._conditions, whole(spec), here):
                return None
        except ConditionError as error:
            self._figures.unmatched()
            return self._failed(str(error))
        finally:
            self._figures.matched(self._clock.monotonic() - started)
        self._figures.excluded()
        return NO_OPINION

    def _failed(self, why: str) -> Decision:
        denies = self._settings.denies_when_it_fails
        return Decision(Verdict.DENY if denies else Verdict.NO_OPINION, error=why)

    def _remember(self, key: bytes, found: Decision) -> None:
        allowed = found.verdict is Verdict.ALLOW
        seconds = self._settings.seconds_allowed if allowed else self._settings.seconds_refused
        if seconds:
            self._known.put(key, found, seconds)


def _compiled(conditions: Sequence[str]) -> Sequence[Program]:
    if not conditions:
        return ()
    from knarr.apiserver.authz.conditions import compiled

    return [compiled(text) for text in conditions]
