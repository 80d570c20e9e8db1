"""Priority and fairness, from outside: who is served, who waits, who is turned away, and what is told of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from knarr.apiserver import bootstrap
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.flowcontrol.passages import Passage
from knarr.apiserver.info import parse
from knarr.apiserver.registry import Options
from knarr.wire.messages import Request
from tests.api.front import Running
from tests.api.harness import Server
from tests.kubectl import Kubectl

JSON = dict[str, Any]
BASE = "/apis/flowcontrol.apiserver.k8s.io/v1"
JANE = User("jane", groups=(AUTHENTICATED,))
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def crowded() -> AsyncIterator[Server]:
    """A server of few seats, with all that a cluster begins with."""
    server = Server(Options(seats=12))
    await server.cache.start()
    await bootstrap.ensure(server.api.registry)
    yield server
    server.api.close()
    await server.cache.stop()
    await server.store.close()


def enter(flow: FlowControl, server: Server, user: User = JANE, method: str = "GET", path: str = PODS) -> Passage:
    info = parse(method, path, "")
    passage = flow.enter(user, info, Request(method, path, "", {}, b""), server.clock.monotonic())
    assert passage
    return passage


def schema(name: str, level: str, user: str, precedence: int = 500) -> JSON:
    every: JSON = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    rule = {"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [every]}
    spec = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence, "rules": [rule]}
    return {"metadata": {"name": name}, "spec": spec}


def limited(name: str, shares: int = 5, response: JSON | None = None) -> JSON:
    part = {"nominalConcurrencyShares": shares, "limitResponse": response or {"type": "Reject"}}
    return {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": part}}


async def test_who_finds_no_seat_waits_for_one(crowded: Server) -> None:
    flow = FlowControl(crowded.api.registry)
    first = enter(flow, crowded)
    assert (first.runs, first.flow.schema.name, first.flow.room.queues.limit) == (True, "global-default", 1)
    second = enter(flow, crowded)
    turn = asyncio.create_task(flow.turn(second))
    await asyncio.sleep(0)
    assert not second.runs
    flow.leave(first, crowded.clock.monotonic())
    assert await turn
    assert second.runs


async def test_who_goes_away_waits_no_more(crowded: Server) -> None:
    flow = FlowControl(crowded.api.registry)
    first, second = enter(flow, crowded), enter(flow, crowded)
    turn = asyncio.create_task(flow.turn(second))
    await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    queues = first.flow.room.queues
    assert (queues.waiting, queues.running) == (0, 1)


async def test_the_admin_is_never_held_back(crowded: Server) -> None:
    flow, admin = FlowControl(crowded.api.registry), User("admin", groups=("system:masters", AUTHENTICATED))
    assert all(enter(flow, crowded, admin).runs for _ in range(100))


async def test_a_list_takes_seats_by_what_it_reads() -> None:
    server = Server(Options(seats=600))
    await server.cache.start()
    await bootstrap.ensure(server.api.registry)
    for n in range(250):
        await server.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"c{n}"}})
    flow, path = FlowControl(server.api.registry), "/api/v1/namespaces/default/configmaps"
    assert [enter(flow, server, path=p).seats for p in (path, f"{path}/c1", PODS)] == [3, 1, 1]
    info, page = parse("GET", path, "limit=100"), Request("GET", path, "limit=100", {}, b"")
    passage = flow.enter(JANE, info, page, 0.0)
    assert passage
    assert passage.seats == 1
    server.api.close()
    await server.cache.stop()
    await server.store.close()


async def test_a_change_of_the_configuration_is_followed(crowded: Server) -> None:
    flow = FlowControl(crowded.api.registry)
    assert enter(flow, crowded).flow.schema.name == "global-default"
    await crowded.post(f"{BASE}/prioritylevelconfigurations", limited("special"))
    await crowded.post(f"{BASE}/flowschemas", schema("special", "special", "jane"))
    special = enter(flow, crowded)
    assert (special.flow.schema.name, special.runs, enter(flow, crowded).runs) == ("special", True, False)
    await crowded.delete(f"{BASE}/flowschemas/special")
    assert enter(flow, crowded).flow.schema.name == "global-default"


async def test_a_busy_level_borrows_what_others_do_not_need() -> None:
    server = Server(Options(seats=120))
    await server.cache.start()
    await bootstrap.ensure(server.api.registry)
    flow = FlowControl(server.api.registry)
    passages = [enter(flow, server) for _ in range(40)]
    room = passages[0].flow.room
    assert room.queues.limit == room.bounds.nominal == 10
    await server.clock.advance(10)
    enter(flow, server)
    assert room.queues.limit > 10
    server.api.close()
    await server.cache.stop()
    await server.store.close()


async def test_defaults_are_there_and_put_back(crowded: Server) -> None:
    names = [s["metadata"]["name"] for s in (await crowded.get(f"{BASE}/flowschemas")).body["items"]]
    assert "catch-all" in names
    assert len(names) == 13
    assert (await crowded.delete(f"{BASE}/flowschemas/exempt")).status == 200
    await crowded.patch(f"{BASE}/prioritylevelconfigurations/system", {"spec": {"limited": {"lendablePercent": 1}}})
    await bootstrap.ensure(crowded.api.registry)
    assert (await crowded.get(f"{BASE}/flowschemas/exempt")).status == 200
    system = (await crowded.get(f"{BASE}/prioritylevelconfigurations/system")).body
    assert (system["spec"]["limited"]["lendablePercent"], system["metadata"]["generation"]) == (33, 3)


async def test_what_is_mandatory_cannot_be_changed(crowded: Server) -> None:
    refused = await crowded.patch(f"{BASE}/flowschemas/catch-all", {"spec": {"matchingPrecedence": 9999}})
    assert refused.status == 422
    assert refused.body["message"].endswith("spec of 'catch-all' must equal the fixed value")
    level = f"{BASE}/prioritylevelconfigurations/exempt"
    numbers = {"spec": {"exempt": {"nominalConcurrencyShares": 10}}}
    assert (await crowded.patch(level, numbers)).status == 200
    await bootstrap.ensure(crowded.api.registry)
    assert (await crowded.get(level)).body["spec"]["exempt"]["nominalConcurrencyShares"] == 10


async def test_a_schema_that_leads_nowhere_says_so(crowded: Server) -> None:
    await crowded.post(f"{BASE}/flowschemas", schema("lost", "nowhere", "jane"))
    keeper = asyncio.create_task(bootstrap.run(crowded.api.registry))

    async def condition() -> tuple[str, str, str]:
        for _ in range(50):
            await asyncio.sleep(0)
        (found,) = (await crowded.get(f"{BASE}/flowschemas/lost")).body["status"]["conditions"]
        return found["type"], found["status"], found["message"]

    text = 'This FlowSchema references the PriorityLevelConfiguration object named "nowhere"'
    assert await condition() == ("Dangling", "True", f"{text} but there is no such object")
    await crowded.post(f"{BASE}/prioritylevelconfigurations", limited("nowhere"))
    assert await condition() == ("Dangling", "False", f"{text} and it exists")
    keeper.cancel()


async def test_answers_say_by_which_flow_they_came(front: Running) -> None:
    special = await front.post(f"{BASE}/prioritylevelconfigurations", limited("special"))
    made = await front.post(f"{BASE}/flowschemas", schema("special", "special", "jane"))
    answer = await front.front.application.serve(Request("GET", PODS, "", {}, b""), JANE)
    assert answer.status == 403  # type: ignore[union-attr]
    assert answer.headers["x-kubernetes-pf-flowschema-uid"] == made["metadata"]["uid"]
    assert answer.headers["x-kubernetes-pf-prioritylevel-uid"] == special["metadata"]["uid"]


async def test_who_is_too_much_is_told_when_to_come_back(front: Running) -> None:
    await front.post(f"{BASE}/prioritylevelconfigurations", limited("narrow", shares=0))
    await front.post(f"{BASE}/flowschemas", schema("narrow", "narrow", "system:kube-scheduler", precedence=50))
    serve, scheduler = front.front.application.serve, User("system:kube-scheduler", groups=(AUTHENTICATED,))
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "reason": "r"}
    body, path = json.dumps(event).encode(), "/api/v1/namespaces/default/events"
    headers = {"content-type": "application/json"}
    answers = await asyncio.gather(*(serve(Request("POST", path, "", headers, body), scheduler) for _ in range(2)))
    refused = answers[1]
    assert (refused.status, refused.body, refused.headers["retry-after"]) == (  # type: ignore[union-attr]
        429,
        b"Too many requests, please try again later.\n",
        "1",
    )
    figures = (await front.admin.request(Request("GET", "/metrics", "", {}, b""))).body.decode()
    labels = 'flow_schema="narrow",priority_level="narrow"'
    assert f'apiserver_flowcontrol_rejected_requests_total{{{labels},reason="concurrency-limit"}} 1' in figures
    assert f"apiserver_flowcontrol_dispatched_requests_total{{{labels}}} 1" in figures
    assert f"apiserver_flowcontrol_request_execution_seconds_count{{{labels}}} 1" in figures
    assert 'apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 245' in figures
    assert f"apiserver_flowcontrol_current_executing_seats{{{labels}}} 0" in figures
    assert f'apiserver_flowcontrol_work_estimated_seats_bucket{{{labels},le="1"}} 2' in figures
    assert 'subresource="",verb="POST",version="v1"} 1' in next(
        line for line in figures.splitlines() if line.startswith("apiserver_request_terminations_total{")
    )


async def test_what_waits_is_shown(front: Running) -> None:
    queue = {"type": "Queue", "queuing": {"queues": 4, "handSize": 1, "queueLengthLimit": 5}}
    await front.post(f"{BASE}/prioritylevelconfigurations", limited("narrow", shares=0, response=queue))
    await front.post(f"{BASE}/flowschemas", schema("narrow", "narrow", "jane", precedence=50))
    flow = front.front.application._flow
    info, request = parse("GET", PODS, ""), Request("GET", PODS, "", {}, b"")
    first, second = (flow.enter(JANE, info, request, 0.0) for _ in range(2))
    assert first
    assert second
    turn = asyncio.create_task(flow.turn(second))
    await asyncio.sleep(0)

    async def dump(name: str) -> list[list[str]]:
        path = f"/debug/api_priority_and_fairness/dump_{name}"
        answer = await front.admin.request(Request("GET", path, "", {}, b""))
        return [line.split(", ") for line in answer.body.decode().splitlines()]

    titles, *levels = await dump("priority_levels")
    narrow = next(dict(zip(titles, row, strict=True)) for row in levels if row[0] == "narrow")
    assert [narrow[title] for title in ("ActiveQueues", "WaitingRequests", "ExecutingRequests")] == ["1", "1", "1"]
    assert sum(int(row[2]) for row in (await dump("queues"))[1:] if row[0] == "narrow") == 1
    (waiting,) = (await dump("requests"))[1:]
    assert (waiting[:2], waiting[3]) == (["narrow", "narrow"], "0")
    flow.leave(first, 0.0)
    assert await turn


def test_kubectl_shows_flows(kubectl: Kubectl) -> None:
    cluster = replace(kubectl, namespace="")
    lines = cluster("get", "flowschemas", "--no-headers").splitlines()
    assert next(line.split() for line in lines if line.startswith("system-nodes"))[1:4] == ["system", "500", "ByUser"]
    assert all(line.split()[-1] == "False" for line in lines)
    assert "workload-low" in cluster("get", "prioritylevelconfigurations")
