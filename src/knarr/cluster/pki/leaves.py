"""Who of a cluster has a certificate of its own.

Subjects follow upstream's layout (kubernetes.io/docs/setup/best-practices/certificates): the common name is the user,
each organization a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from knarr.cluster.config import Config

CA, FRONT_PROXY_CA = "ca", "front-proxy-ca"  # the second vouches for who may speak for users: us, to aggregated APIs
AUTHORITIES = (CA, FRONT_PROXY_CA)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to be made: `file` without suffix, who it is for, hosts it may serve as, who vouches for it.

    Without hosts it is a client's.
    """

    file: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    authority: str = CA


def leaves(config: Config) -> tuple[Leaf, ...]:
    """Every identity of a cluster on one machine: one each, so that each can be told apart and refused."""
    node = f"system:node:{config.node_name}"
    api_names = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{config.domain}",
    )
    api_hosts = ("localhost", "127.0.0.1", config.node_name, config.node_ip, config.first_service_ip, *api_names)
    return (
        Leaf("admin", "kubernetes-admin", ("system:masters",)),
        Leaf("apiserver", "kube-apiserver", hosts=api_hosts),
        Leaf("apiserver-kubelet-client", "kube-apiserver-kubelet-client"),
        Leaf("front-proxy-client", "front-proxy-client", authority=FRONT_PROXY_CA),
        Leaf("controller-manager", "system:kube-controller-manager"),
        Leaf("scheduler", "system:kube-scheduler"),
        Leaf("proxy", "system:kube-proxy", ("system:node-proxier",)),
        Leaf("dns", "system:kube-dns"),
        Leaf("kubelet", node, ("system:nodes",)),
        Leaf("kubelet-server", node, ("system:nodes",), hosts=(config.node_name, config.node_ip, "127.0.0.1")),
    )


def hosts_file(config: Config, leaf: Leaf) -> Path:
    """Where it is written which hosts a serving certificate was made for."""
    return config.pki / f"{leaf.file}.hosts"
