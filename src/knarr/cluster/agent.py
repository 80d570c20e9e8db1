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
from knarr.cluster.images import import_sandbox_image
from knarr.cluster.pause import sandbox_image
from knarr.cluster.pki.kubelets import NodeCertificates
from knarr.cluster.running import together
from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.node import NodeOptions
from knarr.kubelet.options import PodOptions
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures

SOCKET_CHECK = 0.01  # seconds between looks for containerd's socket, while it starts


async def serve(config: Config, clock: Clock) -> None:
    """Run all of them until cancelled."""
    await together(kubelet(config, clock), proxy(config, clock), dns(config, clock))


async def kubelet(config: Config, clock: Clock) -> None:
    """The kubelet, until cancelled; containers run on without it."""
    from knarr.kubelet.cri.client import CRIRuntime

    runtime, figures = CRIRuntime(str(config.containerd_socket), clock), Figures()
    certificates = NodeCertificates(config, clock, figures)
    try:
        await together(
            *certificates.running(),
            _kubelet(config, clock, certificates, runtime, figures),
            strays.collect(config, runtime, clock),
        )
    finally:
        await certificates.close()


async def _kubelet(
    config: Config, clock: Clock, certificates: NodeCertificates, runtime: Runtime, figures: Figures
) -> None:
    from knarr.kubelet.component import Options, run

    api = await certificates.client()
    options = Options(
        node=_node_options(config),
        pods=_pod_options(config),
        tls=certificates.listening(),
        prepare=lambda: _sandbox_image(config, clock, runtime),
        figures=figures,
    )
    try:
        await run(api, clock, runtime, options)
    except OSError as error:
        raise UserError(
            f"the kubelet cannot listen on {config.node_ip}:{config.kubelet_port}: {error.strerror}; "
            f"choose another port with: knarr up --kubelet-port"
        ) from None


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


async def _sandbox_image(config: Config, clock: Clock, runtime: Runtime) -> None:
    while not config.containerd_socket.exists():  # nobody could tell us: containerd itself is starting
        await clock.sleep(SOCKET_CHECK)
    if await runtime.image(sandbox_image()) is None:
        await asyncio.to_thread(import_sandbox_image, config)


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
