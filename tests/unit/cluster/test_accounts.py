"""Accounts that controllers act as: made where they are missing, known by tokens that are renewed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from knarr.client.client import Client
from knarr.client.objects import JSON, Object
from knarr.client.resources import NODES, SERVICE_ACCOUNTS
from knarr.cluster.accounts import Account, Accounts, TokenTransport
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import AlreadyExists, APIError, ServiceUnavailable, Unauthorized
from knarr.wire.messages import Request, Response
from tests.unit.fake_api import FakeAPI

PATH = SERVICE_ACCOUNTS.path("kube-system", "robot")


class Tokens(FakeAPI):
    """Grants `token-1`, `token-2`, ...; `shown` is what requests to the other side brought."""

    def __init__(self, lasting: int = 3600) -> None:
        super().__init__()
        self.lasting, self.granted = lasting, 0

    async def request(self, request: Request) -> Response:
        if not request.path.endswith("/token"):
            return await super().request(request)
        self._misfortune(request)
        self.granted += 1
        status = {"token": f"token-{self.granted}"}
        return _answer(201, {"spec": {"expirationSeconds": self.lasting}, "status": status})


class Shared(FakeAPI):
    """Where the requests go; it believes all tokens but `refused`."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.refused = ""

    async def request(self, request: Request) -> Response:
        shown = request.headers["authorization"].removeprefix("Bearer ")
        self.shown.append(shown)
        await asyncio.sleep(0)
        if shown == self.refused:
            return _answer(401, Unauthorized("no").to_status())
        return _answer(200, {"metadata": {}, "items": []})


def _answer(status: int, body: JSON) -> Response:
    return Response(status, {}, msgspec.json.encode(body))


class Bench:
    def __init__(self, **tokens: Any) -> None:
        self.tokens, self.shared, self.clock = Tokens(**tokens), Shared(), VirtualClock()
        self.accounts = Accounts(Client(self.tokens, user_agent="manager/1"), self._transport)
        self.client = self.accounts.client("robot")

    def _transport(self, account: Account) -> TokenTransport:
        return TokenTransport(account, self.clock, self.shared)

    async def send(self) -> str:
        """Make a request; the token that it brought."""
        await self.client.list(NODES, view=Object)
        return self.shared.shown[-1]


async def test_requests_bring_a_token_of_an_account_that_is_made() -> None:
    bench = Bench()
    await asyncio.gather(*(bench.send() for _ in range(3)))
    assert bench.shared.shown == ["token-1"] * 3
    assert [(method, path) for method, path, _ in bench.tokens.requests] == [
        ("POST", SERVICE_ACCOUNTS.path("kube-system"))
    ]
    assert bench.client.user_agent == "manager/1/system:serviceaccount:kube-system:robot"


async def test_an_account_that_is_there_is_taken() -> None:
    bench = Bench()
    bench.tokens.put(PATH, {})
    assert await bench.send() == "token-1"
    assert bench.tokens.requests == []


async def test_an_account_that_somebody_else_makes_at_the_same_time() -> None:
    api = FakeAPI()
    api.fail("POST", "serviceaccounts", AlreadyExists("too late"))
    making = asyncio.create_task(Account(Client(api), "robot").made())
    await asyncio.sleep(0)
    made = api.put(PATH, {})
    assert await making == made["metadata"]["uid"]


async def test_a_token_is_renewed_when_most_of_its_life_is_over() -> None:
    bench = Bench(lasting=1000)
    assert await bench.send() == "token-1"
    await bench.clock.advance(799)
    assert await bench.send() == "token-1"
    await bench.clock.advance(1)
    assert await bench.send() == "token-2"


async def test_a_token_that_is_refused_is_not_shown_again() -> None:
    bench = Bench()
    await bench.send()
    await bench.clock.advance(1)
    bench.shared.refused = "token-1"
    with pytest.raises(APIError):
        await bench.send()
    bench.tokens.remove(PATH)
    assert await bench.send() == "token-2"
    assert PATH in bench.tokens.objects


async def test_accounts_are_made_as_soon_as_the_server_answers() -> None:
    bench = Bench()
    bench.tokens.fail("GET", "/robot", ServiceUnavailable("later"), 2)
    making = asyncio.create_task(bench.accounts.make(["robot", "other", "robot"], bench.clock))
    while not making.done():
        await asyncio.sleep(0)
        await bench.clock.advance(1)
    assert sorted(bench.tokens.objects) == [SERVICE_ACCOUNTS.path("kube-system", name) for name in ("other", "robot")]
