"""Webhooks that kubeconfig files name, over real TLS: who we are to them, and when they are asked again."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.outbound import CallError
from knarr.apiserver.outbound.remotes import Remote
from knarr.client.kubeconfig import KubeconfigError
from knarr.machinery.clock import RealClock, VirtualClock
from knarr.wire.messages import Response
from tests.api.certificates import Authority
from tests.api.webhooks import Hook, hook, kubeconfig

JSON = dict[str, Any]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Hook]:
    async with hook(authority, lambda review: {"heard": review}, client_ca=authority.file) as found:
        yield found


async def test_a_review_goes_to_the_exact_url(server: Hook, tmp_path: Path) -> None:
    remote = Remote(kubeconfig(server, tmp_path / "config"), RealClock())
    assert json.loads(await remote.call(b'{"a":1}', 5)) == {"heard": {"a": 1}}
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", "/review", "timeout=5s")
    remote.close()


async def test_we_show_what_the_file_says(
    server: Hook, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = authority.issue("us")
    embedded = {
        "client-certificate-data": base64.b64encode(pair.certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(pair.key.read_bytes()).decode(),
    }
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    users = [{"token": "secret"}, {"username": "a", "password": "b"}, embedded]
    for user in users:
        remote = Remote(kubeconfig(server, tmp_path / "config", **user), RealClock())
        await remote.call(b"{}", 5)
        remote.close()
    shown = [request.headers.get("authorization") for request in server.asked]
    assert shown == ["Bearer secret", f"Basic {base64.b64encode(b'a:b').decode()}", None]
    assert [bool(peer.certificate) for peer in server.peers] == [False, False, True]
    assert not list(temporary.iterdir())


async def test_a_token_that_is_rotated(server: Hook, tmp_path: Path) -> None:
    token, clock = tmp_path / "token", VirtualClock()
    token.write_text("first")
    remote = Remote(kubeconfig(server, tmp_path / "config", tokenFile=str(token)), clock)
    await remote.call(b"{}", 5)
    token.write_text("second")
    await remote.call(b"{}", 5)
    await clock.advance(61)
    await remote.call(b"{}", 5)
    shown = [request.headers["authorization"] for request in server.asked]
    assert shown == ["Bearer first", "Bearer first", "Bearer second"]
    remote.close()


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        pytest.param(500, {}, 5, id="its own fault"),
        pytest.param(429, {}, 5, id="too many"),
        pytest.param(503, {"retry-after": "1"}, 5, id="it says when to come again"),
        pytest.param(503, {}, 1, id="it does not say so"),
        pytest.param(403, {}, 1, id="it will not"),
    ],
)
async def test_who_may_do_better_is_asked_again(
    server: Hook, tmp_path: Path, status: int, headers: dict[str, str], asked: int
) -> None:
    server.reply = lambda review: Response(status, headers, b"no")
    clock = Patient()
    remote = Remote(kubeconfig(server, tmp_path / "config"), clock)
    with pytest.raises(CallError):
        await remote.call(b"{}", 5)
    assert len(server.asked) == asked
    factors = [1.5**n for n in range(asked - 1)]
    assert all(0.5 * f <= slept <= 0.6 * f for slept, f in zip(clock.slept, factors, strict=True))
    remote.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("{}", "names no current-context", id="empty"),
        pytest.param(
            '{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "y"}}]}',
            'has no entry "y" among its clusters',
            id="without its cluster",
        ),
        pytest.param(
            '{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "y"}}],'
            ' "clusters": [{"name": "y", "cluster": {"server": "nowhere"}}]}',
            "names no URL of a server",
            id="without a URL",
        ),
    ],
)
def test_a_file_that_names_nobody(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(KubeconfigError, match=why):
        Remote(file, RealClock())


class Patient(VirtualClock):
    """Waits no time at all, and remembers how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
