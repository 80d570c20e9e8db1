"""Several API servers on one etcd: each sees what the others write, in the same order, and they share the work."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from knarr.api import protobuf
from knarr.api.kinds.table import KINDS
from knarr.apiserver.foreign import decoder
from knarr.apiserver.kinds import Kinds
from knarr.cluster.elections import Elections
from knarr.storage.etcd import EtcdStore
from knarr.storage.store import Store, Write
from tests.api.harness import Server, Stream
from tests.api.processes import PATIENCE, ServerProcess, configured, launched
from tests.kubectl import installed
from tests.storage.etcds import Etcd, etcd, on_etcd

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
WRITERS, WRITES = 4, 25
PACE = 15.0  # seconds that kubectl and the controllers may take on a busy machine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with etcd(tmp_path_factory.mktemp("shared")) as server:
        yield server


async def connected(to: Etcd) -> Store:
    return await EtcdStore.open(to.endpoints, tls=to.tls(), decode=decoder(Kinds(KINDS)), keep_seconds=0)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Server, Server]]:
    """Two API servers, each with a watch cache and a connection of its own."""
    with etcd(tmp_path) as server:
        both = Server(store=await connected(server)), Server(store=await connected(server))
        for each in both:
            await each.cache.start()
        await both[0].post("/api/v1/namespaces", {"metadata": {"name": "default"}})
        await both[0].post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        yield both
        for each in both:
            each.api.close()
            await each.cache.stop()
            await each.store.close()


async def test_a_read_sees_what_was_acknowledged_anywhere_before(pair: tuple[Server, Server]) -> None:
    one, two = pair
    for n in range(20):
        writer, reader = (one, two) if n % 2 else (two, one)
        await writer.post(CONFIG_MAPS, {"metadata": {"name": f"c{n}"}})
        assert (await reader.get(f"{CONFIG_MAPS}/c{n}")).status == 200
        assert len((await reader.get(CONFIG_MAPS)).body["items"]) == n + 1
        assert (await reader.patch(f"{CONFIG_MAPS}/c{n}", {"data": {"k": "v"}})).status == 200
        assert (await writer.get(f"{CONFIG_MAPS}/c{n}")).body["data"] == {"k": "v"}


async def test_a_write_sees_what_was_acknowledged_anywhere_before(pair: tuple[Server, Server]) -> None:
    one, two = pair
    for n in range(20):
        writer, other = (one, two) if n % 2 else (two, one)
        assert (await writer.post("/api/v1/namespaces", {"metadata": {"name": f"n{n}"}})).status == 201
        path = f"/api/v1/namespaces/n{n}/configmaps"
        tree = (await other.post(path, {"metadata": {"name": "a"}})).body
        assert (await writer.patch(f"{path}/a", {"data": {"k": "v"}})).status == 200
        assert (await other.put(f"{path}/a", tree)).status == 409
        assert (await writer.delete(f"{path}/a")).status == 200
        assert (await other.delete(f"{path}/a")).status == 404
        assert (await other.post(path, {"metadata": {"name": "a"}})).status == 201
        assert (await writer.post(path, {"metadata": {"name": "a"}})).status == 409


async def test_all_watches_see_the_same_in_the_same_order(pair: tuple[Server, Server]) -> None:
    streams = [await server.watch(CONFIG_MAPS) for server in pair]

    async def write(number: int) -> None:
        server = pair[number % 2]
        for n in range(WRITES):
            await server.post(CONFIG_MAPS, {"metadata": {"name": f"w{number}-{n}"}})

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    for server in pair:
        await server.api.registry.synced()
    seen = [revisions(stream) for stream in streams]
    assert seen[0] == seen[1] == sorted(set(seen[0])) and len(seen[0]) == WRITERS * WRITES


def revisions(stream: Stream) -> list[int]:
    return [int(event["object"]["metadata"]["resourceVersion"]) for event in stream.take()]


async def test_of_two_who_update_the_same_one_is_told_to_read_again(pair: tuple[Server, Server]) -> None:
    one, two = pair
    tree = (await one.post(CONFIG_MAPS, {"metadata": {"name": "a"}})).body
    answers = await asyncio.gather(
        *(server.put(f"{CONFIG_MAPS}/a", {**tree, "data": {"by": str(n)}}) for n, server in enumerate(pair))
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    patches = [server.patch(f"{CONFIG_MAPS}/a", {"data": {f"k{n}": "v"}}) for n, server in enumerate(pair * 5)]
    assert {answer.status for answer in await asyncio.gather(*patches)} == {200}
    assert len((await two.get(f"{CONFIG_MAPS}/a")).body["data"]) == 11


async def test_services_of_several_servers_never_share_an_address_or_port(pair: tuple[Server, Server]) -> None:
    async def create(n: int) -> Any:
        spec = {"type": "NodePort", "ports": [{"port": 80}]}
        path = "/api/v1/namespaces/default/services"
        return (await pair[n % 2].post(path, {"metadata": {"name": f"s{n}"}, "spec": spec})).body["spec"]

    specs = await asyncio.gather(*(create(n) for n in range(12)))
    assert len({spec["clusterIP"] for spec in specs}) == len({spec["ports"][0]["nodePort"] for spec in specs}) == 12


class TestUpstreamsValues:
    """The same etcd served by upstream's API server before, which stores protobuf."""

    async def test_are_read(self, pair: tuple[Server, Server]) -> None:
        one, two = pair
        metadata = {"name": "a", "namespace": "default", "uid": "u", "labels": {"app": "x"}}
        tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}}
        await one.store.commit([Write("/registry/configmaps/default/a", protobuf.encode(tree))])
        found = (await two.get(f"{CONFIG_MAPS}/a")).body
        assert (found["kind"], found["data"], found["metadata"]["labels"]) == ("ConfigMap", {"k": "v"}, {"app": "x"})
        assert len((await two.get(CONFIG_MAPS, labelSelector="app=x")).body["items"]) == 1
        assert (await two.patch(f"{CONFIG_MAPS}/a", {"data": {"more": "w"}})).body["data"] == {"k": "v", "more": "w"}

    async def test_may_be_in_another_version(self, pair: tuple[Server, Server]) -> None:
        tree = {
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "default"},
            "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d"}},
        }
        key = "/registry/horizontalpodautoscalers/default/h"
        await pair[0].store.commit([Write(key, json.dumps(tree).encode() + b"\n")])
        path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h"
        found = (await pair[1].get(path)).body
        assert (found["apiVersion"], found["spec"]["maxReplicas"]) == ("autoscaling/v2", 3)

    async def test_of_node_ports_that_are_taken(self, pair: tuple[Server, Server]) -> None:
        bits = protobuf.wrap("v1", "RangeAllocation", b"\x0a\x00\x12\x0b30000-32767\x1a\x01\x01")
        await pair[0].store.commit([Write("/registry/ranges/servicenodeports", bits)])
        spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}]}
        body = {"metadata": {"name": "s"}, "spec": spec}
        assert (await pair[1].post("/api/v1/namespaces/default/services", body)).status == 422
        spec["ports"] = [{"port": 80, "nodePort": 30001}]
        assert (await pair[1].post("/api/v1/namespaces/default/services", body)).status == 201
        stored = await pair[0].store.get("/registry/ranges/servicenodeports")
        assert stored and base64.b64decode(json.loads(stored.value)["data"]) == b"\x03"


@pytest.fixture(scope="module")
def servers(shared: Etcd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    with two(shared, tmp_path_factory.mktemp("servers")) as found:
        yield found


@contextmanager
def two(on: Etcd, directory: Path, **choices: Any) -> Iterator[list[ServerProcess]]:
    with ExitStack() as stack:
        found: list[ServerProcess] = []
        for n in (1, 2):
            own = directory / str(n)
            own.mkdir()
            if found:  # servers of one cluster have one authority, and sign tokens with one key
                shutil.copytree(found[0].config.pki, own / "data" / "pki")
            named = {"node_name": f"server{n}", "node_ip": f"127.0.0.{n}"}
            config = configured(own, **named, **on_etcd(on), **choices)
            found.append(launched(config, own / "log"))
            stack.callback(end, found[-1])
        yield found


class TestProcesses:
    """Two `knarr server`s, over HTTPS and etcd with TLS."""

    def test_share_the_state_and_the_work(self, servers: list[ServerProcess]) -> None:
        one, two = (server.kubectl(installed()[-1]) for server in servers)
        assert one("create", "deployment", "web", "--image=x", "--replicas=2") == "deployment.apps/web created\n"
        eventually(lambda: two("get", "pods", "-l", "app=web", "-o", "name").count("pod/") == 2)
        holders = two("get", "leases", "-n", "kube-system", "-o", "jsonpath={.items[*].spec.holderIdentity}")
        assert len(holders.split()) == 2

    def test_are_both_behind_the_kubernetes_service(self, servers: list[ServerProcess]) -> None:
        def addresses(server: ServerProcess) -> set[tuple[str, int]]:
            subsets = server.send("GET", "/api/v1/namespaces/default/endpoints/kubernetes").json["subsets"]
            return {(a["ip"], s["ports"][0]["port"]) for s in subsets for a in s["addresses"]}

        wanted = {(server.config.node_ip, server.config.api_port) for server in servers}
        for server in servers:
            eventually(lambda server=server: addresses(server) == wanted)  # type: ignore[misc]
        before = servers[0].revision()
        time.sleep(1)
        assert servers[0].revision() - before <= 8, "they agree, and only renew leases"

    def test_one_goes_and_the_other_does_all(self, servers: list[ServerProcess]) -> None:
        assert leader(servers[0]).startswith("server1_")
        servers[0].kubectl(installed()[-1])("create", "deployment", "left", "--image=x")
        servers[0].process.send_signal(signal.SIGTERM)
        assert servers[0].process.wait(PATIENCE) == 0, servers[0].said()
        other = servers[1].kubectl(installed()[-1])
        other("scale", "deployment", "left", "--replicas=3")
        eventually(lambda: other("get", "pods", "-l", "app=left", "-o", "name").count("pod/") == 3)
        found = servers[1].send("GET", "/api/v1/namespaces/default/endpoints/kubernetes").json["subsets"]
        assert [address["ip"] for subset in found for address in subset["addresses"]] == [servers[1].config.node_ip]


def leader(server: ServerProcess) -> str:
    """Who the controllers work for."""
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"
    return str(server.send("GET", path).json["spec"]["holderIdentity"])


def test_what_a_killed_leader_leaves_is_taken_up_within_its_lease(tmp_path: Path) -> None:
    rules = Elections(lease_duration=3, renew_deadline=2, retry_period=0.5)
    with etcd(tmp_path) as member, two(member, tmp_path, elections=rules) as found:
        led, other = found if leader(found[0]).startswith("server1_") else reversed(found)
        kubectl = other.kubectl(installed()[-1])
        kubectl("create", "deployment", "web", "--image=x", "--replicas=1")
        eventually(lambda: kubectl("get", "pods", "-o", "name").count("pod/") == 1)
        led.process.kill()
        killed = time.monotonic()
        kubectl("scale", "deployment", "web", "--replicas=3")
        eventually(lambda: kubectl("get", "pods", "-o", "name").count("pod/") == 3)
        assert time.monotonic() - killed < 2 * rules.lease_duration + PACE
        assert leader(other).startswith(f"{other.config.node_name}_")


def test_an_outage_of_the_store_is_told_and_got_over(tmp_path: Path) -> None:
    """Meanwhile what cannot be answered is refused with the reason; watches go on afterwards and miss nothing."""
    with etcd(tmp_path) as member, ExitStack() as stack:
        server = launched(configured(tmp_path, **on_etcd(member)), tmp_path / "log")
        stack.callback(end, server)
        connection = server.connect()
        stack.callback(connection.close)
        connection.request("GET", f"{CONFIG_MAPS}?watch=1&resourceVersion={server.revision()}")
        watch = connection.getresponse()
        assert server.send("POST", CONFIG_MAPS, {"metadata": {"name": "before"}}).status == 201
        member.members[0].kill()
        for method, path, body in (("GET", CONFIG_MAPS, None), ("POST", CONFIG_MAPS, {"metadata": {"name": "no"}})):
            code, reason, message = server.send(method, path, body).failure
            assert (code, reason) == (503, "ServiceUnavailable")
            assert message.startswith("the store cannot answer: etcd (127.0.0.1:")
        member.start(member.members[0])
        eventually(lambda: server.send("POST", CONFIG_MAPS, {"metadata": {"name": "after"}}).status in (201, 409))
        seen = [json.loads(watch.readline())["object"]["metadata"]["name"] for _ in range(2)]
        assert seen == ["before", "after"]


def end(server: ServerProcess) -> None:
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
