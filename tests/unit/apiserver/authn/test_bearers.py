"""Several that know bearer tokens, in turn."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from knarr.apiserver.authn.bearers import Identified, InvalidTokenError, TokenUnion
from knarr.apiserver.authn.users import User

OURS = ["https://ours"]


class Knows:
    """Knows tokens that begin with its name, and refuses those that say so."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        if f"bad {self._name}" in token:
            raise InvalidTokenError(f"{self._name} does not like it")
        return Identified(User(self._name), audiences) if token.startswith(self._name) else None


@pytest.mark.parametrize(
    ("token", "user"),
    [("first", "first"), ("second", "second"), ("second bad first", "second")],
    ids=["the first", "the second", "the second, though the first said no"],
)
async def test_who_knows_a_token_has_said_whose_it_is(token: str, user: str) -> None:
    union = TokenUnion(Knows("first"), Knows("second"))
    assert await union.authenticate(token, OURS) == Identified(User(user, groups=("system:authenticated",)), OURS)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("third", "invalid bearer token"),
        ("bad first", "[invalid bearer token, first does not like it]"),
        ("bad first bad second", "[invalid bearer token, first does not like it, second does not like it]"),
    ],
    ids=["nobody knows it", "one refuses it", "all refuse it"],
)
async def test_what_nobody_takes_is_refused_with_all_that_was_said(token: str, said: str) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        await TokenUnion(Knows("first"), Knows("second")).authenticate(token, OURS)
    assert str(refused.value) == said
