"""What `knarr certs` tells, renews and refuses."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from knarr.cli import main
from knarr.client import kubeconfig
from knarr.cluster.config import Config, save
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.serving import Serving
from knarr.cluster.flags.table import APIFlags
from knarr.cluster.identities import credentials
from knarr.cluster.pki import certificates, issuing
from knarr.cluster.pki.leaves import leaves


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(data=str(tmp_path / "data"), node_name="n1", node_ip="192.0.2.7")
    save(config)
    make(config, datetime.now(UTC))
    return config


def make(config: Config, then: datetime) -> None:
    certificates.renew(config, leaves(config), then)


def knarr(config: Config, *arguments: str) -> int:
    return main(["certs", "--data-dir", config.data, "--kubeconfig", f"{config.data}/user", *arguments])


def test_the_table(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert knarr(config) == 0
    told = capsys.readouterr().out
    rows = {line.split("   ")[0]: line.split() for line in told.splitlines()}
    assert [*rows][1:] == [*(leaf.file for leaf in leaves(config)), "admin.kubeconfig", "ca", "front-proxy-ca"]
    assert rows["admin"][1:4] == ["kubernetes-admin", "(system:masters)", "knarr-ca"]
    assert rows["kubelet"][1:3] == ["system:node:n1", "(system:nodes)"]
    assert rows["front-proxy-client"][2] == "knarr-front-proxy-ca"
    assert rows["admin"][-1] == "364d"
    assert "PRIVATE" not in told


def test_json_says_the_same(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert knarr(config, "-o", "json") == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["certificates"]}
    admin = found["admin"]
    assert 364 * 86400 < admin.pop("residualSeconds") <= 365 * 86400
    assert admin.pop("expires").endswith("Z")
    assert admin == {
        "name": "admin",
        "file": str(config.pki / "admin.crt"),
        "subject": "kubernetes-admin",
        "groups": ["system:masters"],
        "authority": "knarr-ca",
        "expired": False,
        "problem": "",
    }


@pytest.mark.parametrize("arguments", [["-o", "json", "show"], ["show", "-o", "json"], ["renew", "dns", "-o", "json"]])
def test_the_form_may_be_chosen_anywhere(
    config: Config, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert knarr(config, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["certificates"]


def test_one_that_has_ended_is_told_by_the_exit_code(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    make(config, datetime.now(UTC) - timedelta(days=366))
    assert knarr(config) == 1
    assert "expired" in capsys.readouterr().out
    assert knarr(config, "renew", "all") == 0
    assert "expired" not in capsys.readouterr().out


@pytest.mark.parametrize(("content", "problem"), [(None, "missing"), (b"x", "unreadable")])
def test_one_that_cannot_be_read(
    config: Config, content: bytes | None, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.pki / "dns.crt").unlink()
    if content:
        (config.pki / "dns.crt").write_bytes(content)
    assert knarr(config) == 1
    assert problem in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("dns "))


def test_renewing_some_leaves_the_others(config: Config) -> None:
    before = {leaf.file: (config.pki / f"{leaf.file}.crt").read_bytes() for leaf in leaves(config)}
    assert knarr(config, "renew", "scheduler", "proxy") == 0
    after = {leaf.file: (config.pki / f"{leaf.file}.crt").read_bytes() for leaf in leaves(config)}
    assert {name for name in before if before[name] != after[name]} == {"scheduler", "proxy"}


def test_renewing_the_admin_renews_what_kubectl_uses(config: Config) -> None:
    user = Path(config.data) / "user"
    kubeconfig.merge(user, kubeconfig.compose(config.name, credentials(config)))
    assert knarr(config, "renew", "admin") == 0
    new = (config.pki / "admin.crt").read_bytes()
    assert [kubeconfig.load(file).certificate for file in (user, config.admin_kubeconfig)] == [new, new]


def test_a_kubeconfig_that_does_not_know_the_cluster_is_left_alone(config: Config) -> None:
    user = Path(config.data) / "user"
    other = kubeconfig.Credentials("https://192.0.2.1:6443", certificate=b"CERT")
    kubeconfig.merge(user, kubeconfig.compose(config.name, other))
    before = user.read_bytes()
    assert knarr(config, "renew", "admin") == 0
    assert user.read_bytes() == before


def test_what_flags_name_is_shown_and_theirs_to_renew(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.crt"
    own.write_bytes((config.pki / "apiserver.crt").read_bytes())
    serving = Serving(tls_cert_file=File(str(own)), tls_private_key_file=File(str(own)))
    config = msgspec.structs.replace(config, api=APIFlags(serving=serving))
    save(config)
    assert knarr(config) == 0
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("--tls-cert-file "))
    assert row[1:3] == ["kube-apiserver", "knarr-ca"]
    assert knarr(config, "renew", "--", "--tls-cert-file") == 1


def test_of_a_bundle_the_first_to_end_is_shown(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    make(config, datetime.now(UTC) - timedelta(days=400))
    ended = (config.pki / "dns.crt").read_bytes()
    make(config, datetime.now(UTC))
    bundle = Path(config.data) / "bundle.crt"
    bundle.write_bytes((config.pki / "ca.crt").read_bytes() + ended)
    save(msgspec.structs.replace(config, etcd_cafile=str(bundle)))
    assert knarr(config) == 1
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("--etcd-cafile "))
    assert (row[1], row[-1]) == ("system:kube-dns", "expired")


def test_a_folder_that_cannot_be_written_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(issuing, "_write", full)
    assert knarr(config, "renew", "dns") == 1
    assert capsys.readouterr().err == f"knarr: {config.pki}/dns.crt cannot be written: No space left on device\n"


def test_a_name_that_is_none(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert knarr(config, "renew", "nobody") == 1
    assert capsys.readouterr().err.startswith("knarr: there is no certificate nobody; choose from: admin, ")
