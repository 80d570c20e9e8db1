"""The node's images, through the `ctr` that comes with containerd."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from knarr.cluster import pause, processes
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.node_files import has_images, write_node_files

NAMESPACE = "k8s.io"  # where CRI keeps its images


def load(config: Config, archive: Path) -> Sequence[str]:
    """Bring an image archive into the runtime; returns the names of its images."""
    if not archive.is_file():
        raise UserError(f"there is no file {archive}")
    output = _ctr(config, "images", "import", str(archive))
    return [line.split()[1] for line in output.splitlines() if line.startswith("unpacking ")]


def listed(config: Config) -> Sequence[str]:
    """The table of images: name, size."""
    rows = [line.split() for line in _ctr(config, "images", "list").splitlines()[1:]]
    named = [(row[0], f"{row[3]} {row[4]}") for row in rows if not row[0].startswith("sha256:") and "@" not in row[0]]
    width = max((len(name) for name, _ in named), default=0)
    return [f"{name:{width}}  {size}" for name, size in sorted(named)]


def serve(config: Config) -> None:
    """Have the cluster's supervisor start the registry of built images, and containerd ask it first."""
    if not has_images():
        raise UserError("no images have been built on this machine; build them with: make images")
    write_node_files(config)
    supervisor = processes.find(config.supervisor_pid)
    if supervisor:
        supervisor.signal(signal.SIGHUP)
        os.close(supervisor.fd)


def import_sandbox_image(config: Config) -> None:
    """Give the runtime the sandbox image that Knarr makes itself; elsewhere the runtime pulls the published one."""
    if pause.sandbox_image() != pause.BUILT_IN:
        return
    archive = config.run / "pause.tar"
    archive.write_bytes(pause.archive())
    try:
        _ctr(config, "images", "import", str(archive))
    finally:
        archive.unlink()


def _ctr(config: Config, *command: str) -> str:
    socket = config.containerd_socket
    if not socket.exists():
        raise UserError(f"the container runtime of cluster {config.name} is not running; start it with: knarr up")
    done = subprocess.run(
        ["ctr", "--address", str(socket), "--namespace", NAMESPACE, *command],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UserError(f"the container runtime refused: {done.stderr.strip().removeprefix('ctr: ')}")
    return done.stdout
