"""What the controllers are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.signing import Signing
from knarr.cluster.flags.table import ControllerFlags
from knarr.cluster.pki import certificates
from knarr.cluster.settings import settings_of
from knarr.controllers.csrsigning import DURATION, SETTINGS


def configured(folder: Path, **flags: str) -> Config:
    signing = Signing(**{f"cluster_signing_{name}_file": File(path) for name, path in flags.items()})  # type: ignore[arg-type]
    config = Config(data=str(folder), node_name="n", controllers=ControllerFlags(signing=signing))
    certificates.ensure(config)
    return config


def test_the_clusters_own_authority_signs(tmp_path: Path) -> None:
    settings = settings_of(configured(tmp_path))
    assert set(settings) == {
        "root-ca-file",
        "cluster-signing-cert-file",
        "cluster-signing-key-file",
        "cluster-signing-duration",
        "legacy-service-account-token-clean-up-period",
        "service-account-private-key-file",
        "service-cluster-ip-range",
    }
    assert settings["root-ca-file"] == settings["cluster-signing-cert-file"] == (tmp_path / "pki/ca.crt").read_text()
    assert settings.get("cluster-signing-kubelet-serving-cert-file") is None


def test_files_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    settings = settings_of(configured(tmp_path))
    (tmp_path / "pki/ca.crt").write_text("another")
    assert settings["root-ca-file"] == "another"


def test_an_authority_for_one_signer_is_the_only_one(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    pair = {"kubelet_serving_cert": f"{pki}/front-proxy-ca.crt", "kubelet_serving_key": f"{pki}/front-proxy-ca.key"}
    settings = settings_of(configured(tmp_path, **pair))
    assert settings["cluster-signing-kubelet-serving-cert-file"] == (pki / "front-proxy-ca.crt").read_text()
    assert "cluster-signing-cert-file" not in settings


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        pytest.param("missing.crt", "ca.key", "cannot be read: No such file", id="no file"),
        pytest.param("ca.crt", "front-proxy-ca.key", "the key is not that of the certificate", id="another's key"),
        pytest.param("ca.key", "ca.key", "--cluster-signing-cert-file .*ca.key", id="no certificate"),
        pytest.param("ca.crt", "ca.crt", "--cluster-signing-key-file .*ca.crt", id="no key"),
    ],
)
def test_what_is_no_authority_is_refused(tmp_path: Path, certificate: str, key: str, message: str) -> None:
    config = configured(tmp_path, cert=f"{tmp_path}/pki/{certificate}", key=f"{tmp_path}/pki/{key}")
    with pytest.raises(UserError, match=message):
        settings_of(config)


def test_every_signer_has_its_flags() -> None:
    flags = {name.replace("_", "-") for name in Signing.__struct_fields__}
    pairs = {f"cluster-signing-{name}{part}" for name in ("", *SETTINGS.values()) for part in ("cert-file", "key-file")}
    assert flags == {*pairs, DURATION}
