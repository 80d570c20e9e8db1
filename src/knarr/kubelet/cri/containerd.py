"""What a containerd of Knarr's own needs: its configuration, its CNI network, its registry mirrors. Pure rendering.

Root, state, socket and CNI configuration are its own, so that a containerd or Docker of the machine's never notices.
The format is containerd's version 2, which 1.6 and 1.7 read and 2.x migrates by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REGISTRIES = ("docker.io", "k8s.gcr.io", "gcr.io", "registry.k8s.io")
SERVERS = {"docker.io": "https://registry-1.docker.io"}
CONFIG, HOSTS, CNI = "config.toml", "certs.d", "net.d"
CNI_VERSION = "0.4.0"  # what Debian 12's plugins speak
# What CRI never uses; opt would create /opt/containerd, restart polls every ten seconds. Measured in docs/decisions.
DISABLED = (
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.restart",
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.monitor.v1.cgroups",
)
# The share of time that content may be locked for collecting garbage. containerd looks whether there is any after every
# (duration of the last collection / this): with its own 0.02, forty times a second on an empty node.
GARBAGE_PAUSE = 0.0001
ENVIRONMENT = {"GOGC": "50", "GOMAXPROCS": "2"}
"""Environment of the containerd process (docs/decisions, "containerd")."""


@dataclass(frozen=True, slots=True)
class ContainerdOptions:
    """Where this containerd lives and what it is told. `mirror` is the URL of a registry asked before the real ones."""

    root: Path
    state: Path
    pause_image: str = "registry.k8s.io/pause:3.10"
    runtime: str = "runc"  # or crun: the OCI runtime's name or path
    cni_plugins: Path = Path("/usr/lib/cni")
    bridge: str = "knarr0"
    network: str = "knarr"
    mtu: int = 0  # 0: as the kernel makes it
    restrict_oom_score: bool = True
    mirror: str = ""
    log_level: str = "warn"
    registries: tuple[str, ...] = field(default=REGISTRIES)

    @property
    def socket(self) -> Path:
        return self.state / "containerd.sock"

    @property
    def config(self) -> Path:
        return self.root / CONFIG


def render(options: ContainerdOptions, pod_cidr: str) -> dict[Path, str]:
    """All the files to write before containerd starts, by their paths."""
    files = {
        options.config: config_toml(options),
        options.root / CNI / "10-knarr.conflist": conflist(options, pod_cidr),
    }
    for registry in options.registries if options.mirror else ():
        files[options.root / HOSTS / registry / "hosts.toml"] = hosts_toml(registry, options.mirror)
    return files


def config_toml(options: ContainerdOptions) -> str:
    """The daemon's configuration, with the cgroupfs driver (no systemd needed)."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    sections: dict[str, Mapping[str, object]] = {
        "": {
            "version": 2,
            "root": str(options.root),
            "state": str(options.state),
            "oom_score": 0,
            "disabled_plugins": list(DISABLED),
        },
        "grpc": {"address": str(options.socket)},
        "debug": {"level": options.log_level},
        'plugins."io.containerd.gc.v1.scheduler"': {"pause_threshold": GARBAGE_PAUSE},
        cri: {
            "sandbox_image": options.pause_image,
            "restrict_oom_score_adj": options.restrict_oom_score,
            "stream_server_address": "127.0.0.1",
            "stream_server_port": "0",
            "disable_tcp_service": True,
            "tolerate_missing_hugetlb_controller": True,
            "netns_mounts_under_state_dir": True,  # so that what is left of them can be told from others'
        },
        f"{cri}.cni": {
            "bin_dir": str(options.cni_plugins),
            "conf_dir": str(options.root / CNI),
            "max_conf_num": 1,
        },
        f"{cri}.containerd": {"snapshotter": "overlayfs", "default_runtime_name": "runc"},
        f"{cri}.containerd.runtimes.runc": {"runtime_type": "io.containerd.runc.v2"},
        f"{cri}.containerd.runtimes.runc.options": {
            "BinaryName": options.runtime,
            "Root": str(options.state / "oci"),
            "SystemdCgroup": False,
        },
        f"{cri}.registry": {"config_path": str(options.root / HOSTS)},
    }
    return "\n".join(section(name, values) for name, values in sections.items())


def section(name: str, values: Mapping[str, object]) -> str:
    """A TOML table; JSON's strings, numbers, booleans and lists of strings are TOML's."""
    lines = [f"[{name}]"] if name else []
    return "\n".join([*lines, *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"


def hosts_toml(registry: str, mirror: str) -> str:
    """Ask the mirror first, then the registry itself (containerd's docs/hosts.md)."""
    server = {"server": SERVERS.get(registry, f"https://{registry}")}
    return section("", server) + "\n" + section(f'host."{mirror}"', {"capabilities": ["pull", "resolve"]})


def conflist(options: ContainerdOptions, pod_cidr: str) -> str:
    """The pods' network: a bridge, addresses of the node's range, host ports; masquerading is the proxy's."""
    bridge: dict[str, object] = {
        "type": "bridge",
        "bridge": options.bridge,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(options.state / "addresses"),
            "ranges": [[{"subnet": pod_cidr}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    if options.mtu:
        bridge["mtu"] = options.mtu
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    plugins = [bridge, portmap]
    return json.dumps({"cniVersion": CNI_VERSION, "name": options.network, "plugins": plugins}, indent=2) + "\n"
