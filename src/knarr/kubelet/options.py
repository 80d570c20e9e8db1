"""What the kubelet is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from knarr.kubelet.dns import ClusterDNS


@dataclass(frozen=True, slots=True)
class PodOptions:
    """What pods on this node get. Sizes in bytes; `node_ips` are the node's own addresses, the first the main one."""

    node_name: str
    node_ips: tuple[str, ...]
    root: Path
    log_root: Path = Path("/var/log/pods")
    dns: ClusterDNS = field(default_factory=ClusterDNS)
    cgroup_root: str = "/knarr"
    node_memory: int = 0
    log_size: int = 10 << 20
    log_files: int = 5
    image_ceiling: float = 0.85  # share of the image file system in use, above which unused images go
    pause_image: str = "registry.k8s.io/pause:3.10"  # never collected
    runtime_name: str = "containerd"

    def pod_directory(self, uid: str) -> Path:
        return self.root / "pods" / uid
