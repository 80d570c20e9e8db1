"""Real etcd servers on loopback, with TLS, in directories of their own."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from knarr.wire.tls import client_context
from tests.api.certificates import Authority, Pair

PATIENCE = 20.0  # seconds until a member is there
# Elections within a tenth of a second; as many writes in a commit as the other engines take.
OPTIONS = ("--heartbeat-interval=20", "--election-timeout=200", "--max-txn-ops=10000", "--log-level=error")


@dataclass
class Member:
    """One server; it can be killed and started again over what it has stored."""

    name: str
    directory: Path
    client_port: int
    peer_port: int
    pair: Pair
    authority: Authority
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.client_port}"

    @property
    def peer(self) -> str:
        return f"{self.name}=http://127.0.0.1:{self.peer_port}"

    def start(self, cluster: str, *options: str) -> None:
        client, peer = f"https://{self.endpoint}", f"http://127.0.0.1:{self.peer_port}"
        command = [
            *("etcd", "--name", self.name, "--data-dir", str(self.directory / self.name), *OPTIONS, *options),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster),
            *("--cert-file", str(self.pair.certificate), "--key-file", str(self.pair.key)),
            *("--trusted-ca-file", str(self.authority.file), "--client-cert-auth"),
        ]
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None


@dataclass
class Etcd:
    """A cluster of one member or several, and what a client needs to reach it."""

    members: Sequence[Member]
    authority: Authority
    client: Pair
    options: Sequence[str] = field(default_factory=tuple)

    @property
    def endpoints(self) -> list[str]:
        return [member.endpoint for member in self.members]

    def pids(self) -> list[int]:
        return [member.process.pid for member in self.members if member.process]

    def tls(self) -> ssl.SSLContext:
        return client_context(self.authority.file, self.client.certificate, self.client.key, protocols=("h2",))

    def start(self, member: Member) -> None:
        member.start(",".join(each.peer for each in self.members), *self.options)

    def wait(self) -> None:
        """Until every member that runs takes connections."""
        for member in self.members:
            _until_listening(member)


@contextmanager
def etcd(directory: Path, members: int = 1, *options: str) -> Iterator[Etcd]:
    """Ended with the context, whatever state it is in."""
    authority = Authority(directory, "etcd-ca")
    pair, client = authority.issue("etcd-server"), authority.issue("apiserver")
    ports = iter(_free_ports(2 * members))
    found = [Member(f"m{n}", directory, next(ports), next(ports), pair, authority) for n in range(members)]
    cluster = Etcd(found, authority, client, options)
    try:
        for member in found:
            cluster.start(member)
        cluster.wait()
        yield cluster
    finally:
        for member in found:
            member.kill()


def on_etcd(server: Etcd) -> dict[str, str]:
    """What the configuration of a cluster says that keeps its state there."""
    return {
        "datastore": f"etcd://{','.join(server.endpoints)}",
        "etcd_cafile": str(server.authority.file),
        "etcd_certfile": str(server.client.certificate),
        "etcd_keyfile": str(server.client.key),
    }


def _until_listening(member: Member) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert member.process and member.process.poll() is None, (member.directory / f"{member.name}.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", member.client_port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"etcd did not come up: {(member.directory / f'{member.name}.log').read_text()}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports
