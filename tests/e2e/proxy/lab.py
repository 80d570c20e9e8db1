"""A node, its Pods on a bridge, and a client outside: network namespaces that nobody but this process can see.

They have no names: each lives as long as its file descriptor, so that nothing is left behind, whatever happens. A
socket belongs for ever to the namespace in which it was made; so one process plays all the machines.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
POD_CIDR, SERVICE_CIDR = "10.244.0.0/16", "10.96.0.0/16"
GATEWAY = "10.244.0.1"  # the node's address on its bridge
NODE, OUTSIDE = "192.0.2.1", "192.0.2.2"
PATIENCE = 2.0  # seconds until no answer is no answer

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace of one's own, with its loopback up."""

    def __init__(self) -> None:
        made: list[int] = []

        def make() -> None:
            if _libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))

        maker = threading.Thread(target=make)  # its namespace ends with it, but for the descriptor
        maker.start()
        maker.join()
        self.descriptor = made[0]
        self.ip("link set lo up")

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace meanwhile, and so are the threads and processes that it starts."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _setns(self.descriptor)
        try:
            yield
        finally:
            _setns(before)
            os.close(before)

    def ip(self, command: str) -> None:
        with self.entered():
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, timeout=10)

    def close(self) -> None:
        os.close(self.descriptor)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@dataclass
class Pod:
    """A host that answers on TCP and UDP port 8080 with its name and the address that it saw as the client's."""

    name: str
    address: str
    namespace: Namespace

    def __post_init__(self) -> None:
        with self.namespace.entered():
            self.stream = socket.create_server((self.address, 8080), backlog=1024)
            self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.datagrams.bind((self.address, 8080))
        serving = (self._serve_streams, self._serve_datagrams)
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in serving]
        for thread in self._threads:
            thread.start()

    def _serve_streams(self) -> None:
        with suppress(OSError):
            while True:
                connection, (client, _) = self.stream.accept()
                with connection:
                    connection.sendall(f"{self.name} {client}".encode())

    def _serve_datagrams(self) -> None:
        with suppress(OSError):
            while True:
                _, client = self.datagrams.recvfrom(100)
                if client is None:  # shut down
                    return
                self.datagrams.sendto(f"{self.name} {client[0]}".encode(), client)

    def close(self) -> None:
        for listener in (self.stream, self.datagrams):
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listener in (self.stream, self.datagrams):
            listener.close()


class Lab:
    """The node's namespace with a bridge, and one outside that is the node's default route."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self.node, self.outside = self._namespace(), self._namespace()
        self.node.ip(f"link add uplink type veth peer name eth0 netns {self.outside.path}")
        self.node.ip("link add pods type bridge")
        for namespace, device, address in (
            (self.node, "uplink", NODE),
            (self.outside, "eth0", OUTSIDE),
            (self.node, "pods", GATEWAY),
        ):
            namespace.ip(f"address add {address}/24 dev {device}")
            namespace.ip(f"link set {device} up")
        self.node.ip(f"route add default via {OUTSIDE}")
        self.outside.ip(f"route add default via {NODE}")  # external IPs are the node's business
        with self.outside.entered():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("0")  # and end there
        self._pods = 0

    def pod(self, name: str) -> Pod:
        """A new Pod on the node's bridge, as the CNI plugin makes them (hairpin on)."""
        self._pods += 1
        namespace, address, port = self._namespace(), f"10.244.0.{self._pods + 1}", f"veth{self._pods}"
        self.node.ip(f"link add {port} type veth peer name eth0 netns {namespace.path}")
        self.node.ip(f"link set {port} master pods up")
        self.node.ip(f"link set {port} type bridge_slave hairpin on")
        namespace.ip(f"address add {address}/24 dev eth0")
        namespace.ip("link set eth0 up")
        namespace.ip(f"route add default via {GATEWAY}")
        pod = Pod(name, address, namespace)
        self._closing.callback(pod.close)
        return pod

    def server(self, name: str, address: str = OUTSIDE) -> Pod:
        """A server outside the cluster, or on the node's own network."""
        server = Pod(name, address, self.outside if address == OUTSIDE else self.node)
        self._closing.callback(server.close)
        return server

    def _namespace(self) -> Namespace:
        namespace = Namespace()
        self._closing.callback(namespace.close)
        return namespace

    def close(self) -> None:
        self._closing.close()


def ask(origin: Namespace, address: str, port: int, patience: float = PATIENCE) -> str:
    """What the server says ("name client"); "refused", or "silent"."""
    with origin.entered():
        connection = socket.socket()
    with connection:
        connection.settimeout(patience)
        try:
            connection.connect((address, port))
            return connection.recv(100).decode()
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"


class Talker:
    """A UDP client that keeps its port."""

    def __init__(self, origin: Namespace, address: str, port: int) -> None:
        with origin.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((address, port))
        self._socket.settimeout(PATIENCE)

    def ask(self) -> str:
        try:
            self._socket.send(b"?")
            return self._socket.recv(100).decode()
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"

    def close(self) -> None:
        self._socket.close()
