"""The cluster's certificates: made at the first start, made anew in time or when the machine has moved.

leaves.py says which, issuing.py makes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from knarr.cluster.config import Config
from knarr.cluster.leaves import AUTHORITIES, Leaf, hosts_file, leaves

RENEWED_AFTER = 300 * 86400  # seconds; issuing.LEAF_LIFE is 365 days


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


def _files(config: Config) -> Iterator[Path]:
    for name in (*AUTHORITIES, *(leaf.file for leaf in leaves(config))):
        yield config.pki / f"{name}.crt"
        yield config.pki / f"{name}.key"
    yield config.pki / "service-accounts.key"
