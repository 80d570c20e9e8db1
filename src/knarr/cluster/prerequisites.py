"""What the machine must have, how each thing is checked, and the command that mends it: `knarr doctor`."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from knarr.cluster.config import Config

CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
LEAST_SPACE = 256 << 20  # bytes free below which nothing is started


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One thing that is needed. `check` says what is wrong, or nothing; `fix` is what to type."""

    name: str
    check: Callable[[Config], str]
    fix: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A prerequisite and what is wrong with it ("" for nothing)."""

    prerequisite: Prerequisite
    problem: str


def examine(config: Config, *, running: bool) -> Sequence[Finding]:
    """Check everything; ports only while the cluster itself does not hold them."""
    wanted = PREREQUISITES if running else (*PREREQUISITES, *PORTS)
    return [Finding(each, each.check(config)) for each in wanted]


def cni_folder() -> Path | None:
    """Where the CNI plugins are, if all needed ones are in one place."""
    for folder in CNI_FOLDERS:
        if all((folder / plugin).exists() for plugin in CNI_PLUGINS):
            return folder
    return None


def _command(*names: str) -> Callable[[Config], str]:
    def check(_: Config) -> str:
        return "" if any(shutil.which(name) for name in names) else f"{' or '.join(names)} is not installed"

    return check


def _root(_: Config) -> str:
    return "" if os.geteuid() == 0 else "a node needs root to make containers and networks"


def _plugins(_: Config) -> str:
    return (
        ""
        if cni_folder()
        else f"the CNI plugins {', '.join(CNI_PLUGINS)} are in none of {', '.join(map(str, CNI_FOLDERS))}"
    )


def _overlay(_: Config) -> str:
    return "" if "\toverlay\n" in Path("/proc/filesystems").read_text() else "the kernel has no overlayfs"


def _bridge_filter(_: Config) -> str:
    if Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        return ""
    return "traffic between Pods of one node passes the bridge unseen by the packet filter"


def _space(config: Config) -> str:
    folder = config.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return "" if free >= LEAST_SPACE else f"only {free >> 20} MiB are free in {folder}; {LEAST_SPACE >> 20} are needed"


def _address(config: Config) -> str:
    """The bridge's address comes with the cluster."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((config.node_ip, 0))
    except OSError:
        return "" if config.node_ip == config.gateway else f"this machine does not have the address {config.node_ip}"
    return ""


def _port(number: Callable[[Config], int], host: Callable[[Config], str]) -> Callable[[Config], str]:
    def check(config: Config) -> str:
        address = (host(config), number(config))
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the address may not be there yet
                probe.bind(address)
        except OSError as error:
            return f"{address[0]}:{address[1]} cannot be used: {error.strerror}"
        return ""

    return check


PREREQUISITES = (
    Prerequisite("root", _root, "run it with sudo"),
    Prerequisite("containerd", _command("containerd"), "apt-get install containerd"),
    Prerequisite("an OCI runtime", _command("crun", "runc"), "apt-get install runc"),
    Prerequisite("CNI plugins", _plugins, "apt-get install containernetworking-plugins"),
    Prerequisite("nftables", _command("nft"), "apt-get install nftables"),
    Prerequisite("iproute2", _command("ip"), "apt-get install iproute2"),
    Prerequisite("flock", _command("flock"), "apt-get install util-linux"),
    Prerequisite("overlayfs", _overlay, "modprobe overlay"),
    Prerequisite("bridge filter", _bridge_filter, "modprobe br_netfilter", optional=True),
    Prerequisite("node address", _address, "give the machine that address, or choose another with --node-ip"),
    Prerequisite("disk space", _space, "free some space, or choose another disk with --data-dir"),
    Prerequisite("conntrack", _command("conntrack"), "apt-get install conntrack", optional=True),
    Prerequisite("kubectl", _command("kubectl"), "install kubectl (kubernetes.io/docs/tasks/tools)", optional=True),
    Prerequisite(
        "image registry",
        _command("docker-registry"),
        "apt-get install docker-registry (for `make images`)",
        optional=True,
    ),
)

PORTS = (
    Prerequisite("API port", _port(lambda c: c.api_port, lambda _: "127.0.0.1"), "choose another with --api-port"),
    Prerequisite(
        "kubelet port", _port(lambda c: c.kubelet_port, lambda c: c.node_ip), "choose another with --kubelet-port"
    ),
    Prerequisite("DNS port", _port(lambda c: c.dns_port, lambda c: c.node_ip), "choose another with --dns-port"),
    Prerequisite(
        "registry port", _port(lambda c: c.registry_port, lambda _: "127.0.0.1"), "choose another with --registry-port"
    ),
)
