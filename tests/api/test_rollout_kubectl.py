"""`kubectl rollout` and its like against the controllers, over TLS; a watch of the Pods plays the kubelets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knarr.client.client import Client
from knarr.controllers.table import CONTROLLERS
from knarr.machinery.clock import RealClock
from knarr.runtime.manager import run_controllers
from tests.api.front import Running, running
from tests.api.kubelets import play_kubelets
from tests.kubectl import Kubectl, installed


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        client = Client(found.admin)
        working = [
            asyncio.create_task(run_controllers(CONTROLLERS, client, RealClock(), component="test")),
            asyncio.create_task(play_kubelets(client)),
        ]
        yield found
        for task in working:
            task.cancel()
        await asyncio.wait(working)


@pytest.mark.parametrize("binary", [installed()[0], installed()[-1]], ids=lambda path: path.name)
async def test_rolling_out_and_back(server: Running, binary: Path) -> None:
    kubectl = server.kubectl(binary, server.authority.issue("admin", "system:masters"))
    await asyncio.to_thread(_roll_out_and_back, kubectl)


def _roll_out_and_back(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=3")
    assert 'deployment "web" successfully rolled out' in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    history = kubectl("rollout", "history", "deployment/web").split()
    assert history[-4:] == ["1", "<none>", "2", "<none>"]
    assert "deployment.apps/web rolled back" in kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    image = kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "nginx:1"
    kubectl("scale", "deployment/web", "--replicas=1")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.replicas}=1", "--timeout=20s")
    described = kubectl("describe", "deployment", "web")
    assert "Replicas:               1 desired | 1 updated | 1 total | 1 available | 0 unavailable" in described
    assert "NewReplicaSetAvailable" in described
    assert "from 3 to 1" in described
