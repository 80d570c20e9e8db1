"""A kubelet comes by its certificates at a real server: by a bootstrap token first, by itself from then on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from knarr.client import kubeconfig
from knarr.client.kubeconfig import Credentials
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.rotation import Rotation
from knarr.cluster.flags.table import KubeletFlags
from knarr.cluster.pki.certificates import chosen_leaves
from knarr.cluster.pki.issuing import issue
from knarr.cluster.pki.kubelets import NodeCertificates
from knarr.cluster.pki.rotated import store_of
from knarr.kubelet.certificates.store import Store
from knarr.machinery.clock import RealClock
from knarr.machinery.figures import Figures
from knarr.wire import connections
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request
from tests.api.processes import ServerProcess

JOINING = "system:bootstrappers:kubeadm:default-node-token"
ADDRESS = "192.0.2.9"
PATIENCE = 20.0  # seconds


@dataclass
class Joiner:
    """A kubelet of a machine that has nothing of the cluster but a bootstrap kubeconfig."""

    server: ServerProcess
    config: Config
    figures: Figures

    @property
    def client_store(self) -> Store:
        found = store_of(self.config, "kubelet")
        assert found
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[NodeCertificates]:
        certificates = NodeCertificates(self.config, RealClock(), self.figures)
        tasks = [asyncio.create_task(running) for running in certificates.running()]
        try:
            yield certificates
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await certificates.close()
            await self._ended(certificates)

    async def _ended(self, certificates: NodeCertificates) -> None:
        """TLS says farewell, and waits for the answer."""
        transports = [client.transport for client in certificates._clients]
        async with asyncio.timeout(PATIENCE):
            while any(isinstance(transport, HTTPTransport) and transport._all for transport in transports):
                await asyncio.sleep(0.01)

    async def whoami(self, certificates: NodeCertificates) -> tuple[str, str]:
        """User and credential of the kubelet's client, as the server has them."""
        async with asyncio.timeout(PATIENCE):
            client = await certificates.client()
        body = msgspec.json.encode({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"})
        path, headers = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"content-type": "application/json"}
        answer = await client.transport.request(Request("POST", path, "", headers, body))
        user: dict[str, Any] = msgspec.json.decode(answer.body)["status"]["userInfo"]
        return user["username"], user["extra"]["authentication.kubernetes.io/credential-id"][0]


def token(server: ServerProcess, *groups: str) -> str:
    """A bootstrap token with these extra groups."""
    name, secret = uuid.uuid4().hex[:6], uuid.uuid4().hex[:16]
    data = {"token-id": name, "token-secret": secret, "usage-bootstrap-authentication": "true"}
    if groups:
        data["auth-extra-groups"] = ",".join(groups)
    body = {
        "metadata": {"name": f"bootstrap-token-{name}", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": data,
    }
    assert server.send("POST", "/api/v1/namespaces/kube-system/secrets", body).status == 201
    return f"{name}.{secret}"


@pytest.fixture
def joiner(process: ServerProcess, tmp_path: Path) -> Callable[..., Joiner]:
    def make(*groups: str, server: bool = False) -> Joiner:
        credentials = Credentials(
            process.config.api_url, ca=(process.config.pki / "ca.crt").read_bytes(), token=token(process, *groups)
        )
        path = tmp_path / "bootstrap.kubeconfig"
        kubeconfig.write(path, kubeconfig.compose("join", credentials))
        rules = Rotation(
            bootstrap_kubeconfig=File(str(path)),
            cert_dir=File(str(tmp_path / "own")),
            rotate_server_certificates=server,
        )
        chosen = {"node_name": f"joiner-{uuid.uuid4().hex[:8]}", "node_ip": ADDRESS}
        config = msgspec.structs.replace(process.config, **chosen, kubelet=KubeletFlags(rotation=rules))
        return Joiner(process, config, Figures())

    return make


async def test_a_token_gets_the_first_certificate_and_is_not_needed_again(joiner: Callable[..., Joiner]) -> None:
    kubelet = joiner(JOINING)
    user, bootstrap = f"system:node:{kubelet.config.node_name}", kubelet.config.kubelet.rotation.bootstrap_kubeconfig
    async with kubelet.running() as certificates:
        first = await kubelet.whoami(certificates)
    assert first[0] == user
    credentials = replace(kubeconfig.load(Path(bootstrap)), token="gone.gone")
    kubeconfig.write(Path(bootstrap), kubeconfig.compose("join", credentials))
    async with kubelet.running() as certificates:
        assert await kubelet.whoami(certificates) == first
    files = {file.name: file.stat().st_mode & 0o777 for file in kubelet.client_store.current.parent.iterdir()}
    assert "kubelet-client-current.pem" in files
    assert {*files.values()} == {0o600}


async def test_a_certificate_that_has_ended_is_replaced_by_the_token(joiner: Callable[..., Joiner]) -> None:
    kubelet = joiner(JOINING)
    put(kubelet, datetime.now(UTC) - timedelta(days=400))
    async with kubelet.running() as certificates:
        assert (await kubelet.whoami(certificates))[0] == f"system:node:{kubelet.config.node_name}"
    found = kubelet.client_store.read()
    assert found
    assert found.holds(datetime.now(UTC))


async def test_an_old_one_is_renewed_by_itself(joiner: Callable[..., Joiner]) -> None:
    kubelet = joiner()  # its token may do nothing
    put(kubelet, datetime.now(UTC) - timedelta(days=350))
    before = kubelet.client_store.read()
    async with kubelet.running() as certificates:
        await kubelet.whoami(certificates)
        async with asyncio.timeout(PATIENCE):
            while kubelet.client_store.read() == before:
                await asyncio.sleep(0.02)


def put(kubelet: Joiner, then: datetime) -> None:
    """A client certificate of the cluster's authority that was made then."""
    (leaf,) = chosen_leaves(kubelet.config, ["kubelet"])
    issue(kubelet.config, [leaf], then)
    pki = kubelet.config.pki
    kubelet.client_store.keep((pki / "kubelet.crt").read_bytes(), (pki / "kubelet.key").read_bytes(), then)


async def test_after_a_change_the_client_is_known_by_its_new_certificate(
    joiner: Callable[..., Joiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LOOK", 0.0)
    kubelet = joiner(JOINING)
    async with kubelet.running() as certificates:
        first, again = [await kubelet.whoami(certificates) for _ in range(2)]
        put(kubelet, datetime.now(UTC))
        changed = await kubelet.whoami(certificates)
    assert first == again
    assert changed[0] == first[0]
    assert changed[1] != first[1]


async def test_its_server_gets_a_certificate_for_the_nodes_own_addresses(
    joiner: Callable[..., Joiner], process: ServerProcess
) -> None:
    kubelet = joiner(JOINING, server=True)
    name = kubelet.config.node_name
    node = {"metadata": {"name": name}}
    assert process.send("POST", "/api/v1/nodes", node).status == 201
    addresses = [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": name}]
    patch = {"status": {"addresses": addresses}}
    path = f"/api/v1/nodes/{name}"
    assert process.send("PATCH", f"{path}/status", patch, "application/merge-patch+json").status == 200
    store = store_of(kubelet.config, "kubelet-server")
    assert store
    async with kubelet.running() as certificates, asyncio.timeout(PATIENCE):
        certificates.listening()  # before there is one
        while (found := store.read()) is None:
            await asyncio.sleep(0.02)
    assert found.names == {name, ADDRESS}
    process.send("DELETE", path)
    shown = "\n".join(kubelet.figures.lines())
    for metric in ("client_ttl_seconds", "server_ttl_seconds", "client_expiration_renew_errors"):
        assert f"kubelet_certificate_manager_{metric} " in shown


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "there is no kubeconfig at", id="missing"),
        pytest.param("{}", "names no current-context", id="empty"),
    ],
)
async def test_a_bootstrap_kubeconfig_that_is_none(
    joiner: Callable[..., Joiner], content: str | None, problem: str
) -> None:
    kubelet = joiner()
    path = Path(kubelet.config.kubelet.rotation.bootstrap_kubeconfig)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(UserError, match=f"--bootstrap-kubeconfig: .*{problem}"):
        NodeCertificates(kubelet.config, RealClock(), kubelet.figures)


async def test_a_token_without_the_right_gets_nothing(
    joiner: Callable[..., Joiner], caplog: pytest.LogCaptureFixture
) -> None:
    kubelet = joiner()
    async with kubelet.running(), asyncio.timeout(PATIENCE):
        while "cannot create resource" not in caplog.text:
            await asyncio.sleep(0.02)
    assert kubelet.client_store.read() is None
    shown = "\n".join(kubelet.figures.lines())
    assert "kubelet_certificate_manager_client_ttl_seconds +Inf" in shown
    assert "kubelet_certificate_manager_client_expiration_renew_errors 1" in shown
