"""Others that the API server asks, and that never answer: who does not need them does not wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authn.oidc import providers
from knarr.apiserver.authn.oidc.checking import checked
from knarr.apiserver.authn.oidc.configurations import Foreign
from knarr.machinery import yamls
from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import server_context
from tests.api.certificates import Authority
from tests.api.front import Running, running
from tests.api.issuers import AUDIENCE, Issuer
from tests.api.test_authentication import bearer, who

MANY = 40


class Silent:
    """Takes requests, and says nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        self.asked.append(request.path)
        await asyncio.Event().wait()
        raise AssertionError


class Elsewhere:
    """Sends whoever asks to somebody else."""

    def __init__(self, place: str) -> None:
        self.place = place

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        return Response(302, {"location": self.place})


@asynccontextmanager
async def believing(directory: Path, application: Any) -> AsyncIterator[tuple[Running, Issuer]]:
    """A front that believes an issuer whose server is this one."""
    (directory / "issuer").mkdir()
    (directory / "front").mkdir()
    authority = Authority(directory / "issuer")
    pair = authority.issue("issuer")
    server = Server(application, tls=server_context(pair.certificate, pair.key))
    issuer = Issuer(url=f"https://127.0.0.1:{await server.listen()}")
    issuer.new_key("first", curve=True)
    about = {"url": issuer.url, "audiences": [AUDIENCE], "certificateAuthority": authority.file.read_text()}
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    mappings = {"username": {"claim": "sub", "prefix": ""}}
    told = checked(yamls.dump({**kind, "jwt": [{"issuer": about, "claimMappings": mappings}]}).encode(), ())
    try:
        async with running(directory / "front", foreign=Foreign(told.jwt)) as front:
            yield front, issuer
    finally:
        await server.close(0)


async def test_an_issuer_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_PATIENCE", 0.5)
    monkeypatch.setattr(providers, "_PAUSE", 0.5)
    silent = Silent()
    async with believing(tmp_path, silent) as (front, issuer):
        bob = front.authority.issue("bob")
        began = time.monotonic()
        waiting = [asyncio.create_task(who(front, None, bearer(issuer.token(jti=str(n))))) for n in range(MANY)]
        await asyncio.sleep(0)
        assert (await who(front, bob))["username"] == "bob"
        assert not all(task.done() for task in waiting)
        assert await asyncio.gather(*waiting) == [401] * MANY
    assert len(silent.asked) < 5, "those who wait are told all at once"
    assert time.monotonic() - began < MANY * 0.5 / 2


async def test_an_issuer_that_sends_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """It might be somewhere that only the API server gets to."""
    silent = Silent()
    inside = Server(silent)
    place = f"http://127.0.0.1:{await inside.listen()}/latest/meta-data"
    try:
        async with believing(tmp_path, Elsewhere(place)) as (front, issuer):
            assert await who(front, None, bearer(issuer.token())) == 401
    finally:
        await inside.close(0)
    assert silent.asked == []
