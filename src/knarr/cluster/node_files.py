"""The files that a node's processes read besides Knarr's own: containerd's, the pod network's, the registry's."""

from __future__ import annotations

import shutil
from pathlib import Path

from knarr.cluster.config import IMAGE_CACHE, Config
from knarr.cluster.pause import sandbox_image
from knarr.cluster.prerequisites import cni_folder
from knarr.cluster.registry import registry_config
from knarr.kubelet.cri.containerd import ContainerdOptions, render


def containerd_options(config: Config) -> ContainerdOptions:
    """The cluster's own containerd: nothing of it is shared with one that the machine may have."""
    return ContainerdOptions(
        root=config.root / "containerd",
        state=config.containerd_state,
        pause_image=sandbox_image(),
        runtime=oci_runtime(),
        cni_plugins=cni_folder() or Path("/usr/lib/cni"),
        bridge=config.bridge,
        network=config.network,
        mirror=f"http://127.0.0.1:{config.registry_port}" if has_images() else "",
    )


def oci_runtime() -> str:
    """The runtime that starts containers fastest and works: crun refuses cgroup v1 and v2 side by side."""
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    return "crun" if shutil.which("crun") and (unified or not shutil.which("runc")) else "runc"


def registry_file(config: Config) -> Path:
    return config.root / "registry.yml"


def has_images() -> bool:
    """Whether `make images` has filled the machine's image cache and there is a registry to serve it."""
    return (IMAGE_CACHE / "docker").is_dir() and shutil.which("docker-registry") is not None


def write_node_files(config: Config) -> None:
    """Write them all; containerd reads the mirrors' part again at each pull, the rest when it starts."""
    files = render(containerd_options(config), config.pod_cidr)
    files[registry_file(config)] = registry_config(IMAGE_CACHE, config.registry_port)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(content)
