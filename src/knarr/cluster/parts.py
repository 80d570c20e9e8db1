"""The processes of a cluster on one machine, in the order in which they start."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from knarr.cluster.config import Config
from knarr.cluster.node_files import containerd_options, has_images, registry_file
from knarr.cluster.processes import Part
from knarr.cluster.succession import sentry
from knarr.kubelet.cri.containerd import ENVIRONMENT

LAYOUTS = {
    "joined": ("server", "agent"),
    "apart": ("apiserver", "controller-manager", "scheduler", "kubelet", "proxy", "dns"),
}
NODE_GRACE = 20.0  # seconds for the node's agent to put its house in order


def parts(config: Config) -> Sequence[Part]:
    """What should run now. The registry of built images takes part only where images have been built."""
    knarr = [
        _knarr(name, config, grace=NODE_GRACE if name in ("agent", "kubelet") else 10.0)
        for name in LAYOUTS[config.layout]
    ]
    return [sentry(config), containerd(config), *([registry(config)] if has_images() else []), *knarr]


def containerd(config: Config) -> Part:
    return Part("containerd", ("containerd", "--config", str(containerd_options(config).config)), ENVIRONMENT)


def registry(config: Config) -> Part:
    return Part("registry", ("docker-registry", "serve", str(registry_file(config))))


def _knarr(command: str, config: Config, grace: float) -> Part:
    return Part(
        command, (sys.executable, "-m", "knarr", command, "--data-dir", config.data, "--supervised"), grace=grace
    )
