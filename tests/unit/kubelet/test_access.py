"""Who is let in to the kubelet, and to what: the API server's answers, and how long they are good for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from knarr.client.client import Client
from knarr.kubelet.access.callers import Caller, Callers
from knarr.kubelet.access.rights import Rights, Wanted, wanted
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Forbidden, InternalError, Unauthorized
from knarr.wire.messages import Peer, Request
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.judging import Judging
from tests.unit.kubelet.test_server import certificate

PROMETHEUS: dict[str, Any] = {
    "username": "system:serviceaccount:m:prometheus",
    "uid": "u1",
    "groups": ["system:serviceaccounts"],
}


@dataclass
class Bench:
    judge: Judging
    clock: VirtualClock
    callers: Callers
    rights: Rights

    async def who(self, authorization: str = "", der: bytes | None = None) -> Caller:
        headers = {"authorization": authorization} if authorization else {}
        return await self.callers.identify(Request("GET", "/pods", "", headers), Peer(certificate=der))

    async def may(self, caller: Caller, *subresources: str) -> None:
        await self.rights.require(caller, Wanted("get", subresources))


@pytest.fixture
def bench() -> Bench:
    judge, clock = Judging(FakeAPI(), users={"good": PROMETHEUS}), VirtualClock()
    client = Client(judge)
    return Bench(judge, clock, Callers(client, clock), Rights(client, clock, "node-1"))


async def test_a_certificate_names_its_user_and_groups(bench: Bench) -> None:
    found = await bench.who(der=certificate("jane", "team"))
    assert found == Caller(username="jane", groups=("team", "system:authenticated"))
    assert bench.judge.asked == []


async def test_a_certificate_is_good_until_it_expires(bench: Bench) -> None:
    await bench.clock.advance(timedelta(days=4000).total_seconds())
    with pytest.raises(Unauthorized):
        await bench.who(der=certificate("jane"))


async def test_a_token_is_whose_the_api_server_says(bench: Bench) -> None:
    expected = Caller(username=PROMETHEUS["username"], uid="u1", groups=("system:serviceaccounts",))
    assert await bench.who("Bearer good") == expected
    assert await bench.who("bearer  good") == expected
    assert bench.judge.asked == [{"token": "good"}]


async def test_a_token_that_is_in_use_is_asked_about_again_in_two_minutes(bench: Bench) -> None:
    for _ in range(3):
        await bench.who("Bearer good")
        await bench.clock.advance(50)
    bench.judge.users = {}
    with pytest.raises(Unauthorized):
        await bench.who("Bearer good")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer bad", "Basic Z29vZDpnb29k", "good", "Bearergood"],
)
async def test_nobody_else_is_let_in(bench: Bench, authorization: str) -> None:
    with pytest.raises(Unauthorized):
        await bench.who(authorization)


async def test_no_token_is_believed_while_the_api_server_is_away(bench: Bench) -> None:
    bench.judge.reachable = False
    with pytest.raises(Unauthorized):
        await bench.who("Bearer good")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/healthz", Wanted("get", ("healthz", "proxy")), id="health"),
        pytest.param("GET", "/pods", Wanted("get", ("pods", "proxy")), id="pods"),
        pytest.param("GET", "/stats/summary", Wanted("get", ("stats",)), id="stats"),
        pytest.param("GET", "/metrics", Wanted("get", ("metrics",)), id="metrics"),
        pytest.param("GET", "/metrics/cadvisor", Wanted("get", ("metrics",)), id="below metrics"),
        pytest.param("GET", "/metricsx", Wanted("get", ("proxy",)), id="another name"),
        pytest.param("GET", "//metrics/../exec", Wanted("get", ("metrics",)), id="dots are names"),
        pytest.param("POST", "/exec/a/b/c", Wanted("create", ("proxy",)), id="exec"),
        pytest.param("GET", "/containerLogs/a/b/c", Wanted("get", ("proxy",)), id="a container's log"),
        pytest.param("GET", "/logs/messages", Wanted("get", ("log",)), id="the node's logs"),
        pytest.param("DELETE", "/x", Wanted("delete", ("proxy",)), id="anything"),
        pytest.param("TRACE", "/x", Wanted("", ("proxy",)), id="no verb"),
    ],
)
def test_what_a_request_takes(method: str, path: str, expected: Wanted) -> None:
    assert wanted(method, path) == expected


async def test_rights_are_asked_for_one_after_the_other(bench: Bench) -> None:
    caller = Caller(username="jane", uid="u", groups=("team",), extra={"scope": ("a",)})
    bench.judge.rights = {("jane", "get", "proxy")}
    await bench.may(caller, "pods", "proxy")
    about = {"verb": "get", "version": "v1", "resource": "nodes", "name": "node-1"}
    identity: dict[str, Any] = {"user": "jane", "uid": "u", "groups": ["team"], "extra": {"scope": ["a"]}}
    assert bench.judge.asked == [
        {**identity, "resourceAttributes": {**about, "subresource": "pods"}},
        {**identity, "resourceAttributes": {**about, "subresource": "proxy"}},
    ]


async def test_a_refusal_names_what_was_asked_for(bench: Bench) -> None:
    refused = r"Forbidden \(user=jane, verb=get, resource=nodes, subresource\(s\)=\[pods proxy\]\)"
    with pytest.raises(Forbidden, match=refused):
        await bench.may(Caller(username="jane"), "pods", "proxy")


async def test_decisions_are_good_for_a_while(bench: Bench) -> None:
    jane = Caller(username="jane")
    with pytest.raises(Forbidden):
        await bench.may(jane, "metrics")
    bench.judge.rights = {("jane", "get", "metrics")}
    with pytest.raises(Forbidden):
        await bench.may(jane, "metrics")
    await bench.clock.advance(30)
    await bench.may(jane, "metrics")
    bench.judge.rights = set()
    await bench.clock.advance(299)
    await bench.may(jane, "metrics")
    await bench.clock.advance(1)
    with pytest.raises(Forbidden):
        await bench.may(jane, "metrics")


async def test_nothing_is_decided_while_the_api_server_is_away(bench: Bench) -> None:
    bench.judge.reachable = False
    asked = r"Authorization error \(user=jane, verb=get, resource=nodes, subresource=metrics\)"
    with pytest.raises(InternalError, match=asked):
        await bench.may(Caller(username="jane"), "metrics")
    bench.judge.reachable, bench.judge.rights = True, {("jane", "get", "metrics")}
    await bench.may(Caller(username="jane"), "metrics")
