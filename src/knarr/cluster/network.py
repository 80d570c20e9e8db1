"""What a node needs of a network before anything of the cluster listens: loopback, and an address of its own."""

from __future__ import annotations

import ipaddress
import subprocess

from knarr.cluster.config import Config


def ensure(config: Config) -> None:
    """Raise loopback, which a fresh network namespace has down, and on a machine without a network the Pods' bridge.

    Elsewhere the bridge comes with the first Pod; here its address is the node's. May run again.
    """
    _ip("link", "set", "lo", "up")
    if config.node_ip == config.gateway:
        length = ipaddress.ip_network(config.pod_cidr).prefixlen
        _ip("link", "add", config.bridge, "type", "bridge")
        _ip("address", "add", f"{config.gateway}/{length}", "dev", config.bridge)
        _ip("link", "set", config.bridge, "up")


def _ip(*command: str) -> None:
    """What is there already is refused, and fine; what is missing after this, whoever listens there will say."""
    subprocess.run(["ip", *command], check=False, stderr=subprocess.DEVNULL)
