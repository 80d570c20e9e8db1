"""The kubelets of a cluster without nodes, played by a watch of the Pods."""

from __future__ import annotations

from contextlib import suppress

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import PODS
from knarr.machinery.clock import RealClock
from knarr.machinery.errors import APIError
from knarr.machinery.times import format_time


async def play_kubelets(client: Client) -> None:
    """A Pod is ready as soon as it is there, or has succeeded if it is to end, and goes as soon as it is to go."""
    async for event in client.watch(PODS, view=dict, resource_version="0"):
        meta: JSON = event.object["metadata"]
        with suppress(APIError):
            if event.type == "ADDED":
                ends = event.object["spec"].get("restartPolicy") == "Never"
                status = {"status": _ended(event.object) if ends else _running()}
                await client.patch(PODS, meta["name"], status, meta["namespace"], subresource="status")
            elif event.type == "MODIFIED" and "deletionTimestamp" in meta:
                await client.delete(PODS, meta["name"], meta["namespace"], grace=0)


def _running() -> JSON:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": _now()}
    return {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "conditions": [ready]}


def _ended(pod: JSON) -> JSON:
    state = {"terminated": {"exitCode": 0, "finishedAt": _now()}}
    common = {"image": "i", "imageID": "i", "ready": False, "restartCount": 0, "state": state}
    return {
        "phase": "Succeeded",
        "containerStatuses": [{**common, "name": container["name"]} for container in pod["spec"]["containers"]],
    }


def _now() -> str:
    return format_time(RealClock().now())
