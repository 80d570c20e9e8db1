"""The kubelet component: its parts put together, over a runtime that the caller has connected.

The node's object and lease, the Pods' workers, and the HTTPS server run side by side; none waits for another.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from knarr.client.client import Client
from knarr.client.resources import SERVICES
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
from knarr.machinery.figures import Figures
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.wire.server import Server

GRACE = 1.0  # seconds for requests under way when the server stops


@dataclass(frozen=True, slots=True)
class Options:
    """The node, what Pods on it get, who the HTTPS server is, what must be done before any Pod can run, and what the
    process counts of itself.
    """

    node: NodeOptions
    pods: PodOptions
    tls: ssl.SSLContext
    prepare: Callable[[], Awaitable[None]]
    figures: Figures = field(default_factory=Figures)


async def run(client: Client, clock: Clock, runtime: Runtime, options: Options) -> None:
    """Be the node's agent until cancelled; containers run on without it. Raises OSError where the port is taken."""
    node = NodeAgent(client, clock, runtime, Machine(options.pods.root), options.node)
    services = Informer(client, SERVICES, Service, clock=clock)
    recorder = EventRecorder(client, clock, "kubelet", options.node.name)
    agent = _agent(client, clock, runtime, options, node, services, recorder)
    told = Node(options.node.name, agent.pods, runtime, client, clock, options.figures)
    server = Server(KubeletServer(told), tls=options.tls)
    await server.listen(options.node.addresses[0], options.node.port)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(node.run())
            tasks.create_task(services.run())
            await options.prepare()
            tasks.create_task(agent.run())
    finally:
        await server.close(GRACE)
        await recorder.close()


def _agent(
    client: Client,
    clock: Clock,
    runtime: Runtime,
    options: Options,
    node: NodeAgent,
    services: Informer[Service],
    recorder: EventRecorder,
) -> Kubelet:
    """The Pods' workers with all that they ask of the rest of the kubelet."""

    def exceeded(uid: str, message: str) -> None:
        agent.pods.evict(uid, message)

    root, allocatable = options.pods.root, node.allocatable
    volumes = VolumeManager(client, clock, root, allocatable=allocatable, exceeded=exceeded)
    agent = Kubelet(
        client,
        clock,
        runtime,
        options.pods,
        recorder=recorder,
        volumes=volumes,
        environments=Environment(client, services, allocatable, volumes.read),
        probes=Prober,
        arrived=node.poke,
    )
    return agent
