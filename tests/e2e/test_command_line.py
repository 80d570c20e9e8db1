"""The commands as a newcomer types them: what they say, what they leave alone, what they refuse and why."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Cluster, flags, knarr


def test_up_finds_the_running_cluster(cluster: Cluster) -> None:
    again = knarr("up", "--data-dir", cluster.config.data, "--kubeconfig", str(cluster.kubeconfig))
    assert again.returncode == 0, again.stderr
    assert "Cluster e2e is already running" in again.stdout


def test_up_refuses_flags_that_contradict_the_cluster(cluster: Cluster) -> None:
    refused = knarr("up", "--data-dir", cluster.config.data, "--api-port", "1")
    assert refused.returncode == 1
    assert f"has --api-port {cluster.config.api_port}" in refused.stderr


def test_status_tells_what_runs(cluster: Cluster) -> None:
    told = cluster.knarr("status")
    assert told.returncode == 0, told.stdout
    for part in ("supervisor", "containerd", "server", "agent"):
        assert any(line.startswith(part) and "running" in line for line in told.stdout.splitlines())
    assert f"node {cluster.config.node_name}" in told.stdout


def test_doctor_finds_nothing_missing(cluster: Cluster) -> None:
    told = cluster.knarr("doctor")
    assert told.returncode == 0, told.stdout
    assert "MISSING" not in told.stdout


def test_the_context_is_added_to_what_the_user_has(cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    users = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "work", "cluster": {"server": "https://192.0.2.1", "extensions": []}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
        "current-context": "work",
    }
    kubeconfig.write_text(yaml.safe_dump(users))
    knarr("up", "--data-dir", cluster.config.data, "--kubeconfig", str(kubeconfig))
    merged = yaml.safe_load(kubeconfig.read_text())
    assert merged["clusters"][0] == users["clusters"][0]
    assert [context["name"] for context in merged["contexts"]] == ["work", "e2e"]
    assert merged["current-context"] == "e2e"
    assert kubeconfig.stat().st_mode & 0o777 == 0o600


def test_secrets_are_private(cluster: Cluster) -> None:
    root = cluster.config.root
    open_to_others = [
        path
        for folder in (cluster.config.pki, root)
        for path in folder.iterdir()
        if path.is_file() and path.stat().st_mode & 0o077
    ]
    assert not open_to_others


@pytest.mark.parametrize("command", ["down", "status", "reset", "images", "certs"])
def test_commands_on_no_cluster(command: str, tmp_path: Path) -> None:
    refused = knarr(command, "--data-dir", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == f"knarr: there is no cluster in {tmp_path}; start one with: knarr up\n"


def start_in_vain(data: Path, *extra: str, **options: object) -> str:
    """`knarr up` that must refuse: what it says, after a look that it started nothing."""
    command = [sys.executable, "-m", "knarr", "up", *flags("vain", data, 170), *extra]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("/run/knarr-vain").exists()
    assert len(done.stderr.strip().splitlines()) == 1
    return str(done.stderr)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = start_in_vain(tmp_path / "data", "--api-port", str(port))
    assert told == (
        f"knarr: 127.0.0.1:{port} cannot be used: Address already in use (choose another with --api-port)\n"
    )


def test_without_containerd_the_fix_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("ip", "nft", "runc"):
        (tools / name).symlink_to(which(name))
    told = start_in_vain(tmp_path / "data", env={**os.environ, "PATH": str(tools)})
    assert "containerd is not installed (apt-get install containerd)" in told


def test_without_root_the_fix_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    as_somebody = ["unshare", "--user", "--map-user=1000"]  # who may still read what root may
    command = [*as_somebody, sys.executable, "-m", "knarr", "up", *flags("vain", data, 170)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a node needs root to make containers and networks (run it with sudo)" in done.stderr
    assert not data.exists()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        told = start_in_vain(disk / "data")
    assert "MiB are free in" in told
    assert "free some space, or choose another disk with --data-dir" in told


def which(name: str) -> str:
    import shutil

    found = shutil.which(name)
    assert found
    return found


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
