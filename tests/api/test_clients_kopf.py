"""An operator written with kopf, unchanged: it is told of changes, keeps a finalizer, writes events, and has timers."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import kopf
import pytest

from tests.api.processes import ServerProcess

FINALIZER = "example.com/held"
PATIENCE = 30.0  # seconds

pytestmark = pytest.mark.filterwarnings("ignore")  # kopf's own, of its loops and sessions


@dataclass
class Operator:
    """Ships are ConfigMaps with a label; `log` is what the handlers were told."""

    registry: Any = field(default_factory=kopf.OperatorRegistry)
    log: list[str] = field(default_factory=list)
    ticks: int = 0

    def declare(self, process: ServerProcess) -> None:
        what: dict[str, Any] = {"labels": {"ship": kopf.PRESENT}, "registry": self.registry}
        kopf.on.login(registry=self.registry)(lambda **_: _connection(process))
        kopf.on.create("v1", "configmaps", **what)(self._create)
        kopf.on.update("v1", "configmaps", field="data.course", **what)(self._update)
        kopf.on.delete("v1", "configmaps", **what)(self._delete)
        kopf.timer("v1", "configmaps", interval=0.2, **what)(self._tick)

    async def _create(self, body: Any, patch: Any, **_: Any) -> None:
        self.log.append("create")
        patch.metadata.annotations["example.com/sails"] = "set"
        kopf.info(body, reason="Launched", message="the ship is afloat")

    async def _update(self, old: Any, new: Any, **_: Any) -> None:
        self.log.append(f"{old} to {new}")

    async def _delete(self, **_: Any) -> None:
        self.log.append("delete")

    async def _tick(self, **_: Any) -> None:
        self.ticks += 1


def _connection(process: ServerProcess) -> kopf.ConnectionInfo:
    pki = process.config.pki
    return kopf.ConnectionInfo(
        server=f"https://127.0.0.1:{process.config.api_port}",
        ca_path=str(pki / "ca.crt"),
        certificate_path=str(pki / "admin.crt"),
        private_key_path=str(pki / "admin.key"),
    )


@asynccontextmanager
async def operating(operator: Operator, namespace: str) -> AsyncIterator[None]:
    """The operator, as `kopf run` runs it."""
    ready, stop = asyncio.Event(), asyncio.Event()
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = FINALIZER
    settings.posting.level = 0
    running = asyncio.create_task(
        kopf.operator(
            registry=operator.registry,
            settings=settings,
            namespaces=[namespace],
            standalone=True,
            ready_flag=ready,
            stop_flag=stop,
        )
    )
    await asyncio.wait({running, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        await running
        await asyncio.sleep(0)
        gc.collect()  # sockets that it leaves are warned of here, where that is expected


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.05)


async def test_an_operator(process: ServerProcess, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"

    def send(method: str, path: str, body: Any = None, content_type: str = "") -> Any:
        return process.send(method, path, body, content_type).json

    operator = Operator()
    operator.declare(process)
    async with operating(operator, namespace):
        send("POST", maps, {"metadata": {"name": "other"}})
        send("POST", maps, {"metadata": {"name": "argo", "labels": {"ship": "yes"}}, "data": {"course": "east"}})
        await until(lambda: operator.log == ["create"] and operator.ticks > 1)
        made = send("GET", f"{maps}/argo")["metadata"]
        assert (made["finalizers"], made["annotations"]["example.com/sails"]) == ([FINALIZER], "set")
        send("PATCH", f"{maps}/argo", {"data": {"course": "west"}}, "application/merge-patch+json")
        await until(lambda: operator.log == ["create", "east to west"])
        send("DELETE", f"{maps}/argo")
        await until(lambda: process.send("GET", f"{maps}/argo").status == 404)
        assert operator.log == ["create", "east to west", "delete"]
        assert "finalizers" not in send("GET", f"{maps}/other")["metadata"]
        events = send("GET", f"/api/v1/namespaces/{namespace}/events")["items"]
        assert "the ship is afloat" in {event["message"] for event in events}
