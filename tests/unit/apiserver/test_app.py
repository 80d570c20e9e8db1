from __future__ import annotations

import json

import pytest

from knarr.api.kinds.table import KINDS
from knarr.apiserver.app import Application
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import InTurn
from knarr.apiserver.documents import Documents
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.registry import Registry
from knarr.apiserver.request import APIRequest
from knarr.machinery.clock import RealClock
from knarr.machinery.errors import NotFound, TooManyRequests
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.wire.messages import Answer, Request, Response

ADMIN = User("admin", groups=("system:masters",))
POD = "/api/v1/namespaces/default/pods/a"


class Raising:
    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def handle(self, request: APIRequest) -> Answer:
        raise self.failure

    def addressed(self, info: RequestInfo) -> object:
        raise self.failure


async def ask(failure: Exception, request: Request, broken: str = "") -> Response:
    clock, kinds, store = RealClock(), Kinds(KINDS), MemoryStore()
    registry = Registry(kinds, store, WatchCache(store, index_of(kinds), clock=clock), clock)
    metrics = registry.metrics
    checks = {"readyz": {"store": lambda: broken}}
    application = Application(
        authenticator=Authenticator(clock),
        authorizer=InTurn(),
        resources=Raising(failure),
        documents=Documents(kinds, checks, metrics),
        metrics=metrics,
        clock=clock,
        flow=FlowControl(registry),
    )
    answer = await application.serve(request, ADMIN)
    assert isinstance(answer, Response)
    return answer


async def test_an_error_is_its_status() -> None:
    answer = await ask(NotFound('pods "a" not found', kind="pods", name="a"), Request("GET", POD))
    assert json.loads(answer.body) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'pods "a" not found',
        "reason": "NotFound",
        "details": {"name": "a", "kind": "pods"},
        "code": 404,
    }
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.headers["cache-control"] == "no-cache, private"


async def test_when_to_come_back_is_a_header_too() -> None:
    answer = await ask(TooManyRequests("slowly", retry_after=3), Request("GET", POD))
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")


async def test_what_nobody_expected_is_logged_and_a_500_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask(RuntimeError("password"), Request("GET", POD))
    assert (answer.status, json.loads(answer.body)["reason"]) == (500, "InternalError")
    assert b"password" not in answer.body
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("query", "broken", "status", "body"),
    [
        pytest.param("", "", 200, b"ok", id="well"),
        pytest.param(
            "verbose",
            "",
            200,
            b"[+]ping ok\n[+]log ok\n[+]store ok\n[+]shutdown ok\nreadyz check passed\n",
            id="verbose",
        ),
        pytest.param(
            "",
            "disk full",
            500,
            b"[+]ping ok\n[+]log ok\n[-]store failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n",
            id="broken",
        ),
        pytest.param("exclude=store", "disk full", 200, b"ok", id="excluded"),
        pytest.param(
            "verbose&exclude=x",
            "",
            200,
            b"[+]ping ok\n[+]log ok\n[+]store ok\n[+]shutdown ok\n"
            b'warn: some health checks cannot be excluded: no matches for "x"\nreadyz check passed\n',
            id="excluding what is not there",
        ),
    ],
)
async def test_health(query: str, broken: str, status: int, body: bytes) -> None:
    answer = await ask(AssertionError(), Request("GET", "/readyz", query), broken)
    assert (answer.status, answer.body) == (status, body)


async def test_one_check_alone() -> None:
    assert (await ask(AssertionError(), Request("GET", "/readyz/store"))).body == b"ok"
    assert (await ask(AssertionError(), Request("GET", "/readyz/store"), "x")).status == 500
    assert (await ask(AssertionError(), Request("GET", "/readyz/none"))).status == 404
    assert (await ask(AssertionError(), Request("POST", "/readyz"))).status == 405
