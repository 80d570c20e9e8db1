from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.command import cluster_of
from knarr.cli.parsing import parse
from knarr.cli.up import chosen
from knarr.cluster.config import Config, save
from knarr.cluster.errors import UserError

FLAGS = ("--name", "mine", "--api-port", "7000", "--node-name", "here", "--node-ip", "192.0.2.7")


def up(data: Path, *flags: str) -> Config:
    return chosen(parse(["up", "--data-dir", str(data), *flags]))


def test_flags_make_a_cluster(tmp_path: Path) -> None:
    config = up(tmp_path, *FLAGS)
    assert (config.name, config.api_port, config.node_name, config.node_ip) == ("mine", 7000, "here", "192.0.2.7")
    assert config.root == tmp_path


def test_a_cluster_keeps_its_choices(tmp_path: Path) -> None:
    made = up(tmp_path, *FLAGS)
    save(made)
    assert up(tmp_path) == up(tmp_path, "--api-port", "7000") == made
    with pytest.raises(UserError, match="has --api-port 7000; keep that, or begin anew with: knarr reset"):
        up(tmp_path, "--api-port", "7001")


def test_what_the_api_server_is_told_may_change_between_starts(tmp_path: Path) -> None:
    made = up(tmp_path, *FLAGS, "--client-ca-file", str(tmp_path / "ca.crt"))
    save(made)
    assert up(tmp_path).api.serving.client_ca_file == str(tmp_path / "ca.crt")
    assert up(tmp_path, "--client-ca-file=").api.serving.client_ca_file == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(("--tls-cert-file", "x"), "must be specified together", id="half a pair"),
        pytest.param(("--kubelet-client-key", "x"), "must be specified together", id="half a pair for kubelets"),
        pytest.param(("--api-port", "x"), "these flags do not make a cluster", id="no number"),
        pytest.param(("--layout", "round"), "these flags do not make a cluster", id="no layout"),
        pytest.param(("--name", "No_Name"), "--name cannot be so", id="no name"),
        pytest.param(("--pod-cidr", "10.0.0.0/30"), "--pod-cidr cannot be so: .*too few addresses", id="too small"),
    ],
)
def test_what_makes_no_cluster_is_refused(tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        up(tmp_path, *FLAGS, *flags)


def test_where_there_is_no_cluster_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no cluster in .*; start one with: knarr up"):
        cluster_of(parse(["status", "--data-dir", str(tmp_path)]))


def test_an_unknown_command_ends_with_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["sail"])
    assert ended.value.code == 2
    assert "'up', 'down', 'status'" in capsys.readouterr().err
