"""Where the kubelet's certificates are, and who renews them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from knarr.cluster.config import Config
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.rotation import Rotation
from knarr.cluster.flags.table import KubeletFlags
from knarr.cluster.pki import certificates
from knarr.cluster.pki.leaves import leaves
from knarr.cluster.pki.rotated import files_of, lay_in, read, store_of
from tests.unit.kubelet.certificates.issuer import pair

NOW = datetime.now(UTC).replace(microsecond=0)
KUBELETS = {"kubelet", "kubelet-server"}
HERE = Rotation(rotate_certificates=False, rotate_server_certificates=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data=str(tmp_path / "data"), node_name="n1", node_ip="192.0.2.7")


def made(config: Config, days: float = 0) -> Config:
    """A cluster that was made so many days ago."""
    certificates._issue(config, leaves(config), NOW - timedelta(days=days))
    return config


def rotating(config: Config, rules: Rotation) -> Config:
    return msgspec.structs.replace(config, kubelet=KubeletFlags(rotation=rules))


def due(config: Config, now: datetime = NOW) -> set[str]:
    return {leaf.file for leaf in certificates.due_leaves(config, now)}


def test_the_first_are_the_clusters_own(config: Config) -> None:
    lay_in(made(config), NOW)
    for leaf in KUBELETS:
        certificate, key = (config.pki / f"{leaf}{suffix}" for suffix in (".crt", ".key"))
        current, _ = files_of(config, leaf)
        assert current.parent == config.pki / "kubelet"
        assert current.read_bytes() == certificate.read_bytes().rstrip() + b"\n" + key.read_bytes()


def test_what_the_kubelet_has_got_stays_as_long_as_it_holds(config: Config) -> None:
    """Even if the first one holds longer: how long others last is for the signer to say."""
    store = store_of(made(config), "kubelet")
    assert store
    got = pair(NOW, timedelta(hours=1))
    store.keep(got.certificate, got.key, NOW)
    lay_in(config, NOW + timedelta(minutes=59))
    assert got.certificate.rstrip() in store.current.read_bytes()
    assert "kubelet" not in due(config, NOW + timedelta(minutes=57))
    assert "kubelet" in due(config, NOW + timedelta(minutes=58))
    lay_in(config, NOW + timedelta(minutes=60))
    assert got.certificate.rstrip() not in store.current.read_bytes()


def test_without_rotation_they_are_with_the_others(config: Config) -> None:
    config = made(rotating(config, HERE))
    lay_in(config, NOW)
    assert files_of(config, "kubelet") == (config.pki / "kubelet.crt", config.pki / "kubelet.key")
    assert not (config.pki / "kubelet").exists()


def test_a_folder_of_ones_own(config: Config, tmp_path: Path) -> None:
    config = rotating(made(config), Rotation(cert_dir=File(str(tmp_path / "own"))))
    lay_in(config, NOW)
    assert {file.name for file in (tmp_path / "own").glob("*current*")} == {
        "kubelet-client-current.pem",
        "kubelet-server-current.pem",
    }


def test_who_bootstraps_itself_is_given_none(config: Config, tmp_path: Path) -> None:
    config = rotating(made(config), Rotation(bootstrap_kubeconfig=File("/b"), cert_dir=File(str(tmp_path / "own"))))
    lay_in(config, NOW)
    store = store_of(config, "kubelet")
    assert store
    assert store.read() is None


@pytest.mark.parametrize(
    ("rules", "days", "expected"),
    [
        pytest.param(Rotation(), 301, set(), id="kubelets see to their own"),
        pytest.param(Rotation(), 352, KUBELETS, id="but not for ever"),
        pytest.param(HERE, 301, KUBELETS, id="where they do not"),
        pytest.param(HERE, 299, set(), id="not yet"),
    ],
)
def test_who_renews_the_kubelets(config: Config, rules: Rotation, days: float, expected: set[str]) -> None:
    config = rotating(made(config, days), rules)
    lay_in(config, NOW)
    assert due(config) & KUBELETS == expected


def test_what_the_kubelet_has_got_by_itself_counts(config: Config) -> None:
    store = store_of(made(config, days=364), "kubelet")
    assert store
    got = pair(NOW, timedelta(days=30))
    store.keep(got.certificate, got.key, NOW)
    assert due(config) & KUBELETS == {"kubelet-server"}
    found = read(config, "kubelet")
    assert found
    assert found.ends == NOW + timedelta(days=30)


def test_renewed_by_hand_the_kubelet_has_it_at_once(config: Config) -> None:
    lay_in(made(config, days=200), NOW)
    certificates.renew(config, leaves(config), NOW)
    for leaf in KUBELETS:
        store = store_of(config, leaf)
        assert store
        found = store.read()
        assert found
        assert found.ends == NOW + timedelta(days=365)
