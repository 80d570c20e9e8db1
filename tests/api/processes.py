"""A server as users run it, without a node: `knarr server` in a process of its own, on SQLite unless told otherwise."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from knarr.cluster.config import Config
from knarr.cluster.launch import prepare
from tests.kubectl import Kubectl, installed
from tests.storage.etcds import etcd, on_etcd
from tests.stores import CHOSEN

JSON = dict[str, Any]
PATIENCE = 30.0  # seconds until a server is there, or gone
OLDEST, NEWEST = installed()[0], installed()[-1]


@dataclass(frozen=True)
class Reply:
    """An answer over the wire, its body as text."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def failure(self) -> tuple[int, str, str]:
        """Code, reason and message of a Status."""
        status = self.json
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", self.status), self.body
        return self.status, status["reason"], status["message"]

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """Reason, field and message of each cause."""
        causes = self.json.get("details", {}).get("causes", [])
        return [(cause["reason"], cause.get("field", ""), cause["message"]) for cause in causes]


@dataclass(frozen=True)
class ServerProcess:
    """A running server; `log` is where it writes."""

    config: Config
    log: Path
    process: subprocess.Popen[bytes]

    def kubectl(self, binary: Path = NEWEST, namespace: str = "default") -> Kubectl:
        return Kubectl(self.config.admin_kubeconfig, namespace, binary)

    def tls(self) -> ssl.SSLContext:
        """The admin's certificate, and trust in the cluster's authority."""
        context = ssl.create_default_context(cafile=str(self.config.pki / "ca.crt"))
        context.load_cert_chain(self.config.pki / "admin.crt", self.config.pki / "admin.key")
        return context

    def connect(self) -> http.client.HTTPSConnection:
        """A connection of the admin's."""
        port = self.config.api_port
        return http.client.HTTPSConnection("127.0.0.1", port, context=self.tls(), timeout=PATIENCE)

    def send(self, method: str, path: str, body: Any = None, content_type: str = "", **headers: str) -> Reply:
        """One request; a body that is not bytes goes as JSON."""
        connection = self.connect()
        try:
            return exchange(connection, method, path, body, content_type, **headers)
        finally:
            connection.close()

    def revision(self) -> int:
        """Of the whole store: what changes nothing leaves it as it was."""
        return int(self.send("GET", "/api/v1/namespaces?limit=1").json["metadata"]["resourceVersion"])

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def exchange(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: Any = None,
    content_type: str = "",
    **headers: str,
) -> Reply:
    """A request on a connection that stays open."""
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if sent is not None:
        given["content-type"] = content_type or "application/json"
    connection.request(method, path, sent, given)
    answer = connection.getresponse()
    return Reply(answer.status, dict(answer.headers.items()), answer.read().decode())


@contextmanager
def server_process(directory: Path) -> Iterator[ServerProcess]:
    """A server with a data directory of its own, ended and cleared away with the context."""
    with chosen_datastore(directory) as datastore:
        config = configured(directory, **datastore)
        server = launched(config, directory / "server.log")
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGTERM)
            code = server.process.wait(PATIENCE)
            shutil.rmtree(config.root)
        assert code == 0, server.said()


@contextmanager
def chosen_datastore(directory: Path) -> Iterator[dict[str, str]]:
    """What the configuration says of it; an etcd of the server's own lasts as long as the context."""
    match CHOSEN:
        case "etcd":
            with etcd(directory) as server:
                yield on_etcd(server)
        case "memory":
            yield {"datastore": "memory:"}
        case _:
            yield {}


def configured(directory: Path, **choices: Any) -> Config:
    """A cluster of its own, with everything that a server needs to start."""
    config = msgspec.structs.replace(_config(directory), **choices)
    prepare(config)
    return config


def launched(config: Config, log: Path) -> ServerProcess:
    """A server over whatever the data directory holds, ready; who calls ends it."""
    command = [sys.executable, "-m", "knarr", "server", "--data-dir", config.data]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    server = ServerProcess(config, log, process)
    try:
        _until_ready(server)
    except BaseException:
        process.kill()
        process.wait(PATIENCE)
        raise
    return server


def _config(directory: Path) -> Config:
    api, kubelet, dns, registry = _free_ports(4)
    return Config(
        name=f"journeys-{uuid.uuid4().hex[:8]}",
        data=str(directory / "data"),
        node_name="nowhere",
        node_ip="127.0.0.1",
        api_port=api,
        kubelet_port=kubelet,
        dns_port=dns,
        registry_port=registry,
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def _until_ready(server: ServerProcess) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.send("GET", "/readyz").status == 200 and _has_default_account(server):
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"the server did not come up:\n{server.said()}")


def _has_default_account(server: ServerProcess) -> bool:
    """Pods can be made from then on."""
    return server.send("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200


@contextmanager
def namespace_of(server: ServerProcess) -> Iterator[str]:
    """A fresh namespace, ready for Pods; its end is left to the server."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    assert server.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    deadline = time.monotonic() + PATIENCE
    while server.send("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default").status != 200:
        assert time.monotonic() < deadline, server.said()
        time.sleep(0.02)
    yield name
    server.send("DELETE", f"/api/v1/namespaces/{name}")
