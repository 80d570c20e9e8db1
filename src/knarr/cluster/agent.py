"""The node's parts: kubelet, service proxy and DNS, each with an identity of its own; in one process or apart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from knarr.client.client import Client
from knarr.cluster import strays
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.identities import client
from knarr.cluster.images import ensure_sandbox_image
from knarr.cluster.pause import sandbox_image
from knarr.cluster.running import together
from knarr.kubelet.cri.client import CRIRuntime
from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.kubelet import Kubelet
from knarr.kubelet.node import NodeAgent, NodeOptions
from knarr.kubelet.options import PodOptions
from knarr.machinery.clock import Clock

SOCKET_CHECK = 0.01  # seconds between looks for containerd's socket, while it starts


async def serve(config: Config, clock: Clock) -> None:
    """Run all of them until cancelled."""
    await together(kubelet(config, clock), proxy(config, clock), dns(config, clock))


async def kubelet(config: Config, clock: Clock, api: Client | None = None) -> None:
    """The kubelet, until cancelled; containers run on without it."""
    from knarr.client.resources import SERVICES
    from knarr.kubelet.environment import Environment
    from knarr.kubelet.machine import Machine
    from knarr.kubelet.probes.prober import Prober
    from knarr.kubelet.servicelinks import Service
    from knarr.kubelet.volumes.manager import VolumeManager
    from knarr.runtime.events import EventRecorder
    from knarr.runtime.informer import Informer

    api = api or client(config, "kubelet")
    runtime = CRIRuntime(str(config.containerd_socket), clock)
    node = NodeAgent(api, clock, runtime, Machine(config.root), _node_options(config))
    recorder = EventRecorder(api, clock, "kubelet", config.node_name)
    services = Informer(api, SERVICES, Service, clock=clock)

    def exceeded(uid: str, message: str) -> None:
        agent.pods.evict(uid, message)

    volumes = VolumeManager(api, clock, config.root, allocatable=node.allocatable, exceeded=exceeded)
    agent = Kubelet(
        api,
        clock,
        runtime,
        _pod_options(config),
        recorder=recorder,
        volumes=volumes,
        environments=Environment(api, services, node.allocatable, volumes.read),
        probes=Prober,
    )
    try:
        await together(
            node.run(),
            services.run(),
            _run_pods(config, clock, agent),
            _serve_node(config, clock, agent, api),
            strays.collect(config, runtime, clock),
        )
    finally:
        await recorder.close()
        await api.close()


async def proxy(config: Config, clock: Clock, api: Client | None = None) -> None:
    """The service proxy, until cancelled; its rules stay."""
    from knarr.proxy.component import Options, run

    options = Options(config.node_name, config.pod_cidr, config.service_cidr, config.nft_table)
    await run(api or client(config, "proxy"), clock, options)


async def dns(config: Config, clock: Clock, api: Client | None = None) -> None:
    """The cluster's DNS on this node, until cancelled."""
    from knarr.dns.component import Options, run

    options = Options(config.node_ip, config.dns_port, config.node_name, config.dns_ip, config.domain)
    try:
        await run(api or client(config, "dns"), clock, options)
    except OSError as error:
        raise UserError(
            f"DNS cannot listen on {config.node_ip}:{config.dns_port}: {error.strerror}; "
            f"choose another port with: knarr up --dns-port"
        ) from None


async def _run_pods(config: Config, clock: Clock, agent: Kubelet) -> None:
    """Run Pods as soon as the runtime has what every one of them needs."""
    await _sandbox_image(config, clock, agent.runtime)
    await agent.run()


async def _sandbox_image(config: Config, clock: Clock, runtime: Runtime) -> None:
    while not config.containerd_socket.exists():  # nobody could tell us: containerd itself is starting
        await clock.sleep(SOCKET_CHECK)
    if await runtime.image(sandbox_image()) is None:
        await asyncio.to_thread(ensure_sandbox_image, config)


async def _serve_node(config: Config, clock: Clock, agent: Kubelet, api: Client) -> None:
    """The kubelet's own HTTPS server, on the node's address."""
    from knarr.kubelet.server import KubeletServer, Node
    from knarr.wire.server import Server
    from knarr.wire.tls import server_context

    pki = config.pki
    tls = server_context(pki / "kubelet-server.crt", pki / "kubelet-server.key", pki / "ca.crt")
    node = Node(config.node_name, agent.pods, agent.runtime, api, clock)
    server = Server(KubeletServer(node), tls=tls)
    try:
        await server.listen(config.node_ip, config.kubelet_port)
    except OSError as error:
        raise UserError(
            f"the kubelet cannot listen on {config.node_ip}:{config.kubelet_port}: {error.strerror}; "
            f"choose another port with: knarr up --kubelet-port"
        ) from None
    try:
        await asyncio.Event().wait()
    finally:
        await server.close(1)


def _node_options(config: Config) -> NodeOptions:
    return NodeOptions(config.node_name, (config.node_ip,), config.kubelet_port, config.pod_cidr)


def _pod_options(config: Config) -> PodOptions:
    from knarr.kubelet.dns import ClusterDNS, parse_resolv_conf

    resolv_conf = Path("/etc/resolv.conf")
    host = parse_resolv_conf(resolv_conf.read_text() if resolv_conf.exists() else "")
    return PodOptions(
        config.node_name,
        (config.node_ip,),
        config.root,
        log_root=config.logs / "pods",
        dns=ClusterDNS((config.dns_ip,), config.domain, host),
        cgroup_root=f"/{config.cgroup}",
        node_memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        pause_image=sandbox_image(),
    )
