"""Service accounts of kube-system that controllers act as, each with upstream's role for it and no more.

An account that is missing is made, as upstream's controller manager does with --use-service-account-credentials. In the
server's process a request is said to be the account's; from elsewhere it carries a token of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from knarr.apiserver.authn.users import account_name, service_account
from knarr.apiserver.transport import InProcessTransport, Serving
from knarr.client.client import Client
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import SERVICE_ACCOUNTS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import AlreadyExists, APIError, NotFound
from knarr.runtime.backoff import Backoff
from knarr.wire.messages import Duplex, Request, Response, StreamedResponse, Transport

NAMESPACE = "kube-system"
AT_ONCE = 32  # requests of all accounts together
LIFE, RENEW_AT = 3600, 0.8  # seconds that a token is asked to last, and the part of its life after which it is replaced


class Account:
    """One account, found or made by a client that may do both."""

    def __init__(self, api: Client, name: str) -> None:
        self.api, self.name = api, name
        self._making = asyncio.Lock()

    async def made(self) -> str:
        """Its uid, after it was made if need be."""
        async with self._making:
            try:
                return await self._found()
            except NotFound:
                body = {"metadata": {"name": self.name, "namespace": NAMESPACE}}
            try:
                return (await self.api.create(SERVICE_ACCOUNTS, body, NAMESPACE)).metadata.uid
            except AlreadyExists:
                return await self._found()

    async def _found(self) -> str:
        return (await self.api.get(SERVICE_ACCOUNTS, self.name, NAMESPACE, view=Object)).metadata.uid


class Accounts:
    """Clients that act as accounts; `api` makes what is missing."""

    def __init__(self, api: Client, transport: Callable[[Account], Transport]) -> None:
        self._api, self._transport = api, transport
        # Not those of `api`: a request may have to wait until that has made its account.
        self._turns = asyncio.Semaphore(AT_ONCE)

    def client(self, name: str) -> Client:
        """A client as the account of this name."""
        transport = self._transport(Account(self._api, name))
        agent = f"{self._api.user_agent}/{account_name(NAMESPACE, name)}"
        return Client(transport, user_agent=agent, turns=self._turns, figures=self._api.figures)

    async def make(self, names: Iterable[str], clock: Clock) -> None:
        """See that these are there, whether or not they have anything to do yet."""
        await asyncio.gather(*(self._make(name, clock) for name in dict.fromkeys(names)))

    async def _make(self, name: str, clock: Clock) -> None:
        backoff = Backoff()
        while True:
            try:
                await Account(self._api, name).made()
            except (APIError, ConnectionError, TimeoutError):
                await clock.sleep(backoff.next())
            else:
                return


class Lookup(Protocol):
    """Where the server of this process keeps what it has (registry.Lister)."""

    def get(self, group: str, plural: str, namespace: str, name: str) -> JSON | None: ...


class LocalTransport:
    """Requests of an account to the server of this process, with the uid that the account has at the time."""

    def __init__(self, account: Account, application: Serving, objects: Lookup) -> None:
        self._account, self._application, self._objects = account, application, objects
        self._uid, self._transport = "", InProcessTransport(application, service_account(NAMESPACE, account.name))

    async def request(self, request: Request) -> Response:
        return await (await self._current()).request(request)

    async def stream(self, request: Request) -> StreamedResponse:
        return await (await self._current()).stream(request)

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        return await (await self._current()).upgrade(request)

    async def close(self) -> None:
        await self._transport.close()

    async def _current(self) -> InProcessTransport:
        name = self._account.name
        known = self._objects.get("", SERVICE_ACCOUNTS.plural, NAMESPACE, name)
        uid = known["metadata"]["uid"] if known else await self._account.made()
        if uid != self._uid:
            self._uid = uid
            self._transport = InProcessTransport(self._application, service_account(NAMESPACE, name, uid))
        return self._transport


class _Spec(View, frozen=True):
    expiration_seconds: int = LIFE


class _Status(View, frozen=True):
    token: str = ""


class _TokenRequest(Object, frozen=True):
    spec: _Spec = _Spec()
    status: _Status = _Status()


_ASKED: JSON = {
    "apiVersion": "authentication.k8s.io/v1",
    "kind": "TokenRequest",
    "spec": {"audiences": [], "expirationSeconds": LIFE},
}


class TokenTransport:
    """Requests of an account with tokens of its own, over connections that are shared with others.

    A token that the server refuses is not used again: the next request asks for another, and for the account.
    """

    def __init__(self, account: Account, clock: Clock, shared: Transport) -> None:
        self._account, self._clock, self._shared = account, clock, shared
        self._token, self._granted, self._renew = "", 0.0, 0.0
        self._asking = asyncio.Lock()

    async def request(self, request: Request) -> Response:
        begun = self._clock.monotonic()
        response = await self._shared.request(await self._signed(request))
        self._judge(response.status, begun)
        return response

    async def stream(self, request: Request) -> StreamedResponse:
        begun = self._clock.monotonic()
        response = await self._shared.stream(await self._signed(request))
        self._judge(response.status, begun)
        return response

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        begun = self._clock.monotonic()
        response, duplex = await self._shared.upgrade(await self._signed(request))
        self._judge(response.status, begun)
        return response, duplex

    async def close(self) -> None:
        """Others go on using the connections."""

    async def _signed(self, request: Request) -> Request:
        async with self._asking:
            if not self._token or self._clock.monotonic() >= self._renew:
                await self._ask()
            signed = {**request.headers, "authorization": f"Bearer {self._token}"}
        return msgspec.structs.replace(request, headers=signed)

    async def _ask(self) -> None:
        await self._account.made()
        api, name = self._account.api, self._account.name
        found = await api.create(
            SERVICE_ACCOUNTS, _ASKED, NAMESPACE, name=name, subresource="token", view=_TokenRequest
        )
        self._token, self._granted = found.status.token, self._clock.monotonic()
        self._renew = self._granted + found.spec.expiration_seconds * RENEW_AT

    def _judge(self, status: int, begun: float) -> None:
        if status == 401 and self._granted <= begun:
            self._token = ""
