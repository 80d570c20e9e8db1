"""Authorizers in turn: who decides, and who is waited for."""

from __future__ import annotations

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Authorizer, Decision, Held, InTurn, Local, Verdict
from knarr.apiserver.info import RequestInfo
from knarr.machinery.figures import Count

BOB, ROOT = User("bob"), User("root", groups=("system:masters",))
INFO = RequestInfo("get", path="/")
DENIED = Decision(Verdict.DENY, "never")


class Prompt(Local):
    """Says the same to everybody."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return self._decision

    def held(self, user: User, namespace: str) -> Held:
        return Held(({"verbs": ["get"]},))


class Slow(Authorizer):
    """Has to ask somebody first."""

    def __init__(self, decision: Decision) -> None:
        self._decision, self.asked = decision, 0

    def at_once(self, user: User, info: RequestInfo) -> Decision | None:
        return None

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        self.asked += 1
        return self._decision

    def held(self, user: User, namespace: str) -> Held:
        return Held(errors=("nobody knows",), incomplete=True)


def undecided(reason: str = "", error: str = "") -> Decision:
    return Decision(Verdict.NO_OPINION, reason, error)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([], NO_OPINION, id="nobody"),
        pytest.param([NO_OPINION, ALLOWED, DENIED], ALLOWED, id="the first who allows"),
        pytest.param([NO_OPINION, DENIED, ALLOWED], DENIED, id="the first who denies"),
        pytest.param([undecided("a"), NO_OPINION, undecided("b")], undecided("a\nb"), id="all reasons"),
        pytest.param([undecided("a", "x"), undecided("", "y")], undecided("a", "[x, y]"), id="all errors"),
        pytest.param([undecided("a", "x"), ALLOWED], ALLOWED, id="an error that does not matter"),
    ],
)
async def test_in_turn(decisions: list[Decision], expected: Decision) -> None:
    prompt, slow = InTurn(*map(Prompt, decisions)), InTurn(*map(Slow, decisions))
    assert prompt.at_once(BOB, INFO) == expected
    assert await prompt.authorize(BOB, INFO) == expected
    assert await slow.authorize(BOB, INFO) == expected
    assert slow.at_once(BOB, INFO) == (None if decisions else expected)


async def test_who_need_not_be_asked_is_not() -> None:
    slow = Slow(DENIED)
    chain = InTurn(Prompt(ALLOWED), slow)
    assert (chain.at_once(BOB, INFO), await chain.allows(BOB, INFO), slow.asked) == (ALLOWED, True, 0)


async def test_masters_may_anything() -> None:
    slow = Slow(DENIED)
    chain = InTurn(slow)
    assert (chain.at_once(ROOT, INFO), await chain.authorize(ROOT, INFO), slow.asked) == (ALLOWED, ALLOWED, 0)


async def test_what_is_decided_is_counted_once() -> None:
    slow = Slow(DENIED)
    slow.counts = {Verdict.ALLOW: Count(), Verdict.DENY: Count()}
    chain = InTurn(Prompt(NO_OPINION), slow)
    await chain.authorize(BOB, INFO)
    chain.at_once(BOB, INFO)
    assert [slow.counts[verdict].n for verdict in (Verdict.ALLOW, Verdict.DENY)] == [0, 1]


def test_what_is_held_is_what_all_know() -> None:
    held = InTurn(Prompt(ALLOWED), Slow(ALLOWED)).held(BOB, "")
    assert held == Held([{"verbs": ["get"]}], ["nobody knows"], True)
