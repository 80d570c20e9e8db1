"""The API server reaches what clients cannot, with rights of its own: nobody sends it where it should not go."""

from __future__ import annotations

import json

import pytest

from knarr.wire.messages import Request
from tests.api.access import NS
from tests.api.front import NODE, Running


async def _asked(front: Running, path: str) -> tuple[int, str]:
    answer = await front.admin.request(Request("GET", path))
    return answer.status, json.loads(answer.body).get("message", "")


LOOPBACKS = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0"]


@pytest.mark.parametrize("address", [*LOOPBACKS, "::", "224.0.0.1", "10.0.0.1/api/v1/secrets?", "localhost"])
async def test_nobody_gets_at_the_servers_own_machine_through_a_pod(front: Running, address: str) -> None:
    await front.running_pod("p", "a")
    status = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
    answer = await front.admin.request(
        Request(
            "PATCH",
            f"{NS}/pods/p/status",
            "",
            {"content-type": "application/merge-patch+json"},
            json.dumps(status).encode(),
        )
    )
    if answer.status == 200:  # else it never came to be a Pod's address
        assert await _asked(front, f"{NS}/pods/p:{front.url.rpartition(':')[2]}/proxy/version") == (
            400,
            "address not allowed",
        )


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1:{port}/api/v1/nodes/n1/proxy#", id="a path at the API server"),
        pytest.param("127.0.0.1:{port}?", id="the API server"),
        pytest.param("x@127.0.0.1:{port}/", id="a user's name before it"),
        pytest.param("127.0.0.1\r\nX-Remote-User: root", id="a line break"),
        pytest.param("localhost", id="a name"),
        pytest.param("", id="nothing"),
    ],
)
async def test_a_kubelet_says_where_it_is_and_nothing_else(front: Running, address: str) -> None:
    """The server shows a certificate there by which it may ask any kubelet for anything."""
    await front.running_pod("p", "a")
    place = address.format(port=front.url.rpartition(":")[2])
    status = {"addresses": [{"type": "InternalIP", "address": place}]}
    await front.send("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})
    for path in (f"{NS}/pods/p/log", f"/api/v1/nodes/{NODE}/proxy/pods"):
        assert await _asked(front, path) == (
            500,
            "Internal error occurred: no preferred addresses found; known addresses: []",
        )
    assert front.kubelet.asked == []
