"""Upstream's flags about the kubelet's certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.flags import KUBELET_FLAGS
from knarr.cli.parsing import parse
from knarr.cli.parts import configured
from knarr.cluster.config import Config, save
from knarr.cluster.errors import UserError
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.rotation import Rotation


def rotation(data: Path, *flags: str) -> Rotation:
    save(Config(data=str(data)))
    return configured(parse(["kubelet", "--data-dir", str(data), *flags]), [KUBELET_FLAGS]).kubelet.rotation


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param([], Rotation(), id="none"),
        pytest.param(["--rotate-certificates=false"], Rotation(rotate_certificates=False), id="not the client's"),
        pytest.param(
            ["--rotate-server-certificates=false"], Rotation(rotate_server_certificates=False), id="not the server's"
        ),
        pytest.param(
            ["--bootstrap-kubeconfig", "/b", "--cert-dir", "/c"],
            Rotation(bootstrap_kubeconfig=File("/b"), cert_dir=File("/c")),
            id="paths",
        ),
    ],
)
def test_flags(tmp_path: Path, flags: list[str], expected: Rotation) -> None:
    assert rotation(tmp_path, *flags) == expected


def test_paths_are_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rotation(tmp_path, "--cert-dir", "own").cert_dir == str(tmp_path / "own")


def test_what_does_not_fit_together(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of no use with --rotate-certificates=false"):
        rotation(tmp_path, "--bootstrap-kubeconfig", "/b", "--rotate-certificates=false")
