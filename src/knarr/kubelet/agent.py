"""The whole kubelet: its parts put together, run side by side until cancelled. Containers run on without it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from knarr.client.client import Client
from knarr.client.resources import SERVICES
from knarr.kubelet.callers import Callers
from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.environment import Environment
from knarr.kubelet.kubelet import Kubelet
from knarr.kubelet.machine import Machine
from knarr.kubelet.node import NodeAgent, NodeOptions
from knarr.kubelet.options import PodOptions
from knarr.kubelet.probes.prober import Prober
from knarr.kubelet.server import KubeletServer, Node
from knarr.kubelet.servicelinks import Service
from knarr.kubelet.volumes.manager import VolumeManager
from knarr.machinery.clock import Clock
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.wire.server import Server


@dataclass(frozen=True, slots=True)
class Options:
    """`tls` is the HTTPS server's, with the CA of its clients; it listens at all `hosts`, on the node's port."""

    node: NodeOptions
    pods: PodOptions
    tls: ssl.SSLContext
    hosts: tuple[str, ...] = ("0.0.0.0",)
    callers: Callers = field(default_factory=Callers)


async def run(client: Client, clock: Clock, runtime: Runtime, options: Options) -> None:
    """Until cancelled. Raises OSError where the port is taken."""
    name, root = options.node.name, options.pods.root
    root.mkdir(parents=True, exist_ok=True)
    machine, services = Machine(root), Informer(client, SERVICES, Service, clock=clock)
    recorder = EventRecorder(client, clock, "kubelet", name)

    def evict(uid: str, message: str) -> None:
        kubelet.pods.evict(uid, message)

    volumes = VolumeManager(client, clock, root, allocatable=machine.allocatable, exceeded=evict)
    environments = Environment(client, services, machine.allocatable)
    kubelet = Kubelet(
        client,
        clock,
        runtime,
        options.pods,
        recorder=recorder,
        volumes=volumes,
        environments=environments,
        probes=Prober,
    )
    server = Server(KubeletServer(Node(name, kubelet.pods, runtime, client, clock), options.callers), tls=options.tls)
    try:
        for host in options.hosts:
            await server.listen(host, options.node.port)
        async with asyncio.TaskGroup() as parts:
            parts.create_task(NodeAgent(client, clock, runtime, machine, options.node).run())
            parts.create_task(services.run())
            parts.create_task(kubelet.run())
    finally:
        await server.close(grace=1.0)
        await volumes.close()
        await recorder.close()
