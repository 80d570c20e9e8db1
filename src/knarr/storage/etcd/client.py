"""Calls to an etcd cluster: whichever member answers, with the token of a user where there is one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from knarr.storage.etcd.messages import AuthenticateRequest, AuthenticateResponse
from knarr.storage.store import UnavailableError
from knarr.wire.grpc import Call, CallError, Channel

CALL_TIMEOUT = 10.0  # seconds; etcd itself gives a request up after seven
CONNECT_TIMEOUT = 3.0  # seconds; then the next member is asked
KEEPALIVE = 10.0  # seconds of silence after which a member must give a sign of life, sooner if it is waited for

# Of etcd's own errors, those that a fresh token may mend (rpctypes/error.go).
_STALE_TOKEN = ("invalid auth token", "user name is empty", "revision of auth store is old")
_ELSEWHERE = frozenset(("Unavailable", "DeadlineExceeded", "Canceled"))  # another member may know better


class Credentials(NamedTuple):
    """A user of etcd's own; who shows a client certificate instead needs none."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.name!r})"


class EtcdClient:
    """Calls go to one member for as long as it answers, then to the next. `endpoints`: host:port each."""

    def __init__(
        self, endpoints: Sequence[str], tls: ssl.SSLContext | None = None, credentials: Credentials | None = None
    ) -> None:
        self._channels = [
            Channel(endpoint, tls=tls, keepalive=KEEPALIVE, connect_timeout=CONNECT_TIMEOUT) for endpoint in endpoints
        ]
        self._current = 0
        self._credentials = credentials
        self._token: Mapping[str, str] = {}
        self._renewing = asyncio.Lock()
        self.closed = False

    async def read(self, method: str, request: Any, answer: Any) -> Any:
        """A call that may be made again elsewhere, as it changes nothing. Raises CallError, UnavailableError."""
        return await self._call(method, request, answer, repeatable=True)

    async def write(self, method: str, request: Any, answer: Any) -> Any:
        """A call that is made again only where no member has seen it. Raises CallError, UnavailableError."""
        return await self._call(method, request, answer, repeatable=False)

    @asynccontextmanager
    async def stream(self, method: str) -> AsyncIterator[Call]:
        """A stream, which ends when its member has lost its leader; after that, another member is asked.

        Raises UnavailableError where no member takes it; what ends it is a CallError.
        """
        call, channel = await self._begin(method)
        try:
            yield call
        except CallError:
            self._leave(channel)
            raise
        finally:
            call.cancel()

    async def renew(self, stale: Mapping[str, str] | None = None) -> bool:
        """Get another token than `stale` (None: than the one in use); whether there is a user to get it for.

        Raises CallError, UnavailableError.
        """
        stale = self._token if stale is None else stale
        async with self._renewing:
            if self._credentials and self._token is stale:
                request = AuthenticateRequest(name=self._credentials.name, password=self._credentials.password)
                found = await self._ask("/etcdserverpb.Auth/Authenticate", request.SerializeToString(), {}, True)
                self._token = {"token": AuthenticateResponse.FromString(found).token}
        return self._credentials is not None

    async def close(self) -> None:
        self.closed = True
        for channel in self._channels:
            await channel.close()

    async def _begin(self, method: str) -> tuple[Call, Channel]:
        for _ in self._channels:
            channel = self._channel()
            try:
                return await channel.begin(method, hasleader="true", **await self._authenticated()), channel
            except CallError as error:
                failure = error
                self._leave(channel)
        raise self._unavailable(failure)

    async def _call(self, method: str, request: Any, answer: Any, *, repeatable: bool) -> Any:
        sent, token = request.SerializeToString(), await self._authenticated()
        try:
            found = await self._ask(method, sent, token, repeatable)
        except CallError as error:
            if not any(text in error.message for text in _STALE_TOKEN) or not await self.renew(token):
                raise
            found = await self._ask(method, sent, self._token, repeatable)
        return answer.FromString(found)

    async def _authenticated(self) -> Mapping[str, str]:
        if self._credentials and not self._token:
            await self.renew()
        return self._token

    async def _ask(self, method: str, request: bytes, metadata: Mapping[str, str], repeatable: bool) -> bytes:
        """Each member once, as long as that is safe; a single one again, as it may just have been restarted."""
        for _ in range(max(2, len(self._channels))):
            channel = self._channel()
            try:
                return await channel.unary(method, request, CALL_TIMEOUT, **metadata)
            except CallError as error:
                if error.code not in _ELSEWHERE:
                    raise
                failure = error
                self._leave(channel)
                if not (error.unseen or repeatable):
                    break
        raise self._unavailable(failure)

    def _channel(self) -> Channel:
        if self.closed:
            raise UnavailableError("the store is closed")
        return self._channels[self._current]

    def _leave(self, channel: Channel) -> None:
        """Ask the next member from now on, unless somebody else has already turned to it."""
        if self._channels[self._current] is channel:
            self._current = (self._current + 1) % len(self._channels)

    def _unavailable(self, error: CallError) -> UnavailableError:
        return UnavailableError(f"etcd ({', '.join(c.target for c in self._channels)}): {error.message}")
