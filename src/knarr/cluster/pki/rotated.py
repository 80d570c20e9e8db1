"""The kubelet's two certificates, where they are: in its own stores if it rotates them itself, otherwise with the rest.

The first ones are made with the cluster's others and laid into the stores: a node starts without waiting for anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from knarr.cluster.config import Config
from knarr.kubelet.certificates.store import CLIENT, SERVING, Store
from knarr.machinery.certificates import Certificate, certificate_of

LEAVES = {"kubelet": CLIENT, "kubelet-server": SERVING}  # the store's name by the leaf's file


def store_of(config: Config, leaf: str) -> Store | None:
    """The store in which the kubelet keeps what began as this leaf; None where it does not rotate it."""
    rules = config.kubelet.rotation
    rotates = {"kubelet": rules.rotate_certificates, "kubelet-server": rules.rotate_server_certificates}
    if not rotates.get(leaf):
        return None
    return Store(Path(rules.cert_dir) if rules.cert_dir else config.pki / "kubelet", LEAVES[leaf])


def files_of(config: Config, leaf: str) -> tuple[Path, Path]:
    """Certificate and key that are in use, or will be when they are there."""
    if store := store_of(config, leaf):
        return store.current, store.current
    return config.pki / f"{leaf}.crt", config.pki / f"{leaf}.key"


def read(config: Config, leaf: str) -> Certificate | None:
    """The certificate that is in use; None where there is none that can be read."""
    store = store_of(config, leaf)
    found = store.read() if store else None
    return found or _installed(config, leaf)


def lay_in(config: Config, now: datetime, made: Collection[str] = ()) -> None:
    """Put the cluster's own certificates of the kubelet into its stores: those just `made`, and where a store has none
    that holds.

    A kubelet that is to bootstrap itself gets none. Raises OSError.
    """
    for leaf in LEAVES:
        store, installed = store_of(config, leaf), _installed(config, leaf)
        if store is None or installed is None or config.kubelet.rotation.bootstrap_kubeconfig:
            continue
        current = store.read()
        if leaf in made or current is None or not current.holds(now):
            certificate, key = (config.pki / f"{leaf}{suffix}" for suffix in (".crt", ".key"))
            store.keep(certificate.read_bytes(), key.read_bytes(), now)


def _installed(config: Config, leaf: str) -> Certificate | None:
    try:
        return certificate_of((config.pki / f"{leaf}.crt").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
