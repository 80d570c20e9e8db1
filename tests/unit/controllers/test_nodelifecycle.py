"""Before a node is doubted the API is asked."""

from __future__ import annotations

from knarr.client.resources import LEASES, NODES
from knarr.controllers import nodelifecycle
from knarr.machinery.errors import ServiceUnavailable
from tests.unit.controllers.bench import NOW, Bench


def a_node(bench: Bench) -> None:
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": NOW}
    bench.put(NODES, "n1", "", status={"conditions": [ready]})
    bench.put(LEASES, "n1", "kube-node-lease", spec={"renewTime": NOW})


async def test_a_lease_that_was_renewed_unseen_counts() -> None:
    bench = Bench(nodelifecycle.CONTROLLER)
    a_node(bench)
    async with bench.running():
        bench.get(LEASES, "n1", "kube-node-lease")["spec"]["renewTime"] = "later"
        await bench.advance(50)
        assert bench.done == []
        await bench.advance(49)
        assert bench.done == []
        await bench.advance(1)
        assert bench.done[0] == "PATCH /api/v1/nodes/n1/status"


async def test_nothing_is_said_of_a_node_while_the_api_does_not_answer() -> None:
    bench = Bench(nodelifecycle.CONTROLLER)
    a_node(bench)
    async with bench.running():
        bench.api.fail("GET", "/leases", ServiceUnavailable("later"))
        await bench.advance(50)
        assert bench.done == []
