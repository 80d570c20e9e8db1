"""The cluster's certificate authority and the certificates it gives to its own parts, made at the first start.

Subjects follow upstream's layout (kubernetes.io/docs/setup/best-practices/certificates): the common name is the user,
each organization a group. issuing.py makes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knarr.cluster.config import Config

RENEWED_AFTER = 300 * 86400  # seconds; issuing.LEAF_LIFE is 365 days


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to be made: `file` without suffix, who it is for, and the hosts it may serve as.

    Without hosts it is a client's.
    """

    file: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


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
        Leaf("apiserver-kubelet-client", "system:apiserver"),
        Leaf("controller-manager", "system:kube-controller-manager"),
        Leaf("scheduler", "system:kube-scheduler"),
        Leaf("proxy", "system:kube-proxy", ("system:node-proxier",)),
        Leaf("dns", "system:kube-dns"),
        Leaf("kubelet", node, ("system:nodes",)),
        Leaf("kubelet-server", node, ("system:nodes",), hosts=(config.node_name, config.node_ip, "127.0.0.1")),
    )


def ensure(config: Config) -> None:
    """Make whatever certificate or key of the cluster is missing, old, or for other hosts; the rest is kept."""
    for leaf in leaves(config):
        if _is_stale(config, leaf):
            (config.pki / f"{leaf.file}.crt").unlink(missing_ok=True)
    if all(path.exists() for path in _files(config)):
        return
    from knarr.cluster import issuing  # half of what `knarr up` would import, and needed at the first start alone

    issuing.issue(config, leaves(config))


def _is_stale(config: Config, leaf: Leaf) -> bool:
    """Told by the files' times and names alone: reading a certificate would take longer than the rest of a start."""
    certificate, hosts = config.pki / f"{leaf.file}.crt", hosts_file(config, leaf)
    try:
        old = time.time() - certificate.stat().st_mtime > RENEWED_AFTER
        return old or (hosts.read_text().splitlines() if leaf.hosts else []) != list(leaf.hosts)
    except FileNotFoundError:
        return True


def hosts_file(config: Config, leaf: Leaf) -> Path:
    """Where it is written which hosts a serving certificate was made for."""
    return config.pki / f"{leaf.file}.hosts"


def _files(config: Config) -> Iterator[Path]:
    for name in ("ca", *(leaf.file for leaf in leaves(config))):
        yield config.pki / f"{name}.crt"
        yield config.pki / f"{name}.key"
    yield config.pki / "service-accounts.key"
