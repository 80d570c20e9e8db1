"""The token of a projected volume: whose file it is, and when there is another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from knarr.client.client import Client
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes.payloads import File
from knarr.kubelet.volumes.references import Reader, References
from knarr.kubelet.volumes.service_account_token import CONTENT, TokenSource
from knarr.kubelet.volumes.source import Site
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import InternalError
from knarr.wire.messages import Request, Response
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.pods import pod

DAY = 86400


class Granting(FakeAPI):
    """Grants tokens, for `longest` seconds at most; not while it is `down`."""

    granted, longest, down = 0, 1 << 32, False

    async def request(self, request: Request) -> Response:
        if self.down:
            return Response(500, {}, msgspec.json.encode(InternalError("down").to_status()))
        spec = msgspec.json.decode(request.body)["spec"]
        self.granted += 1
        answer = {
            "spec": {**spec, "expirationSeconds": min(spec["expirationSeconds"], self.longest)},
            "status": {"token": f"token {self.granted}"},
        }
        return Response(201, {}, msgspec.json.encode(answer))


class Volume:
    """A volume with one token."""

    def __init__(self, of: Pod | None = None, seconds: int = 1000) -> None:
        self.api, self.clock = Granting(), VirtualClock()
        client = Client(self.api)
        reader = Reader(References(client, self.clock))
        self.site = Site(of or pod(), "v", Path("/nowhere"), client, reader, dict, {}, self.clock)
        self.source = TokenSource(path="token", expiration_seconds=seconds)

    async def file(self) -> File:
        files = (await CONTENT.render(self.site, self.source, 0o644)).files
        return files["token"]

    async def text(self) -> str:
        return (await self.file()).data.decode()

    async def renewal(self) -> float:
        after = (await CONTENT.render(self.site, self.source, 0o644)).renew_after
        assert after is not None
        return after


@pytest.mark.parametrize(
    ("seconds", "latest"), [(1000, 800), (3607, 3607 * 0.8), (DAY, DAY * 0.8), (2 * DAY, DAY), (365 * DAY, DAY)]
)
async def test_a_token_is_renewed_in_time(seconds: int, latest: float) -> None:
    volume = Volume(seconds=seconds)
    after = await volume.renewal()
    assert latest - 10 <= after <= latest
    await volume.clock.advance(after - 1)
    assert await volume.text() == "token 1"
    await volume.clock.advance(1)
    assert await volume.text() == "token 2"


async def test_what_counts_is_how_long_it_was_granted_for() -> None:
    volume = Volume(seconds=DAY)
    volume.api.longest = 3600
    assert await volume.renewal() <= 3600 * 0.8


async def test_pods_that_were_made_at_once_do_not_ask_at_once() -> None:
    assert len({await Volume(pod(uid=f"u{n}")).renewal() for n in range(10)}) == 10


async def test_a_token_that_cannot_be_renewed_is_used_as_long_as_it_lives() -> None:
    volume = Volume()
    await volume.text()
    volume.api.down = True
    await volume.clock.advance(900)
    assert (await volume.text(), await volume.renewal()) == ("token 1", 30)
    await volume.clock.advance(99)
    assert await volume.text() == "token 1"
    await volume.clock.advance(31)
    with pytest.raises(InternalError):
        await volume.text()
    volume.api.down = False
    assert await volume.text() == "token 2"


ROOT, BOB, EVE = {"runAsUser": 0}, {"runAsUser": 1000}, {"runAsUser": 2000}


def secured(of_pod: dict[str, Any], *containers: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> Pod:
    def made(contexts: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [{"name": f"c{n}", "securityContext": context} for n, context in enumerate(contexts)]

    return pod({"securityContext": of_pod, "containers": made(containers), "initContainers": made(init)})


@pytest.mark.parametrize(
    ("of", "mode", "owner"),
    [
        pytest.param(secured({}, {}), 0o644, None, id="nothing said"),
        pytest.param(secured(BOB, {}, {}), 0o600, 1000, id="the pod's user"),
        pytest.param(secured({}, BOB, BOB), 0o600, 1000, id="the containers'"),
        pytest.param(secured(ROOT, {}), 0o600, 0, id="root"),
        pytest.param(secured({}, BOB, EVE), 0o644, None, id="two users"),
        pytest.param(secured({}, BOB, {}), 0o644, None, id="one of unknown user"),
        pytest.param(secured(BOB, {}, init=(EVE,)), 0o644, None, id="another at first"),
        pytest.param(secured({"fsGroup": 3000}, {}), 0o600, None, id="a group"),
        pytest.param(secured({"fsGroup": 3000, **BOB}, {}), 0o600, 1000, id="a group and a user"),
    ],
)
async def test_a_token_is_for_those_who_need_it(of: Pod, mode: int, owner: int | None) -> None:
    file = await Volume(of).file()
    assert (file.mode, file.owner) == (mode, owner)
