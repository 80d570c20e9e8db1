"""What containerd is told."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from knarr.kubelet.cri.containerd import ContainerdOptions, render

OPTIONS = ContainerdOptions(
    Path("/d/root"), Path("/d/state"), mirror="http://127.0.0.1:5000", registries=("docker.io",)
)
FILES = render(OPTIONS, "10.244.0.0/24")


def test_everything_lives_below_its_own_directories() -> None:
    assert sorted(map(str, FILES)) == [
        "/d/root/certs.d/docker.io/hosts.toml",
        "/d/root/config.toml",
        "/d/root/net.d/10-knarr.conflist",
    ]
    config = tomllib.loads(FILES[OPTIONS.config])
    assert (config["root"], config["state"]) == ("/d/root", "/d/state")
    assert config["grpc"]["address"] == "/d/state/containerd.sock"
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["cni"]["conf_dir"] == "/d/root/net.d"
    assert cri["restrict_oom_score_adj"] is True
    assert cri["containerd"]["runtimes"]["runc"]["options"]["Root"] == "/d/state/oci"
    assert cri["registry"]["config_path"] == "/d/root/certs.d"


def test_a_mirror_is_asked_before_the_registry() -> None:
    hosts = tomllib.loads(FILES[Path("/d/root/certs.d/docker.io/hosts.toml")])
    assert hosts["server"] == "https://registry-1.docker.io"
    assert hosts["host"] == {"http://127.0.0.1:5000": {"capabilities": ["pull", "resolve"]}}


def test_no_mirror_no_hosts_files() -> None:
    assert len(render(ContainerdOptions(Path("/r"), Path("/s")), "10.0.0.0/24")) == 2


def test_the_network_is_the_nodes() -> None:
    network = json.loads(FILES[Path("/d/root/net.d/10-knarr.conflist")])
    bridge, portmap = network["plugins"]
    assert (bridge["bridge"], bridge["ipam"]["ranges"]) == ("knarr0", [[{"subnet": "10.244.0.0/24"}]])
    assert portmap["capabilities"] == {"portMappings": True}
