"""The flags of parts are those that their subjects declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.flags import API_FLAGS, CONTROLLER_FLAGS
from knarr.cli.parsing import parse
from knarr.cli.parts import configured
from knarr.cluster.config import Config, save
from knarr.cluster.errors import UserError
from knarr.cluster.flags.notation import flags_of
from knarr.cluster.flags.signing import Signing
from knarr.cluster.flags.table import PARTS, APIFlags, ControllerFlags


def told(data: Path, *flags: str) -> APIFlags:
    save(Config(data=str(data)))
    return configured(parse(["apiserver", "--data-dir", str(data), *flags]), [API_FLAGS]).api


def test_files_are_kept_as_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(tmp_path, "--client-ca-file", "ca.crt").serving.client_ca_file == str(tmp_path / "ca.crt")


def test_a_flag_of_several_values_may_be_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    issuers, key = ("--service-account-issuer=a,b", "--service-account-issuer=c"), "--service-account-key-file"
    found = told(tmp_path, *issuers, key, "x", key, "/y").serviceaccounts
    assert found.service_account_issuer == ("a", "b", "c")
    assert found.service_account_key_file == (str(tmp_path / "x"), "/y")


def test_what_is_not_told_is_the_default(tmp_path: Path) -> None:
    assert told(tmp_path) == APIFlags()


def test_every_flag_says_what_it_is_and_is_of_one_subject() -> None:
    flags = [flag for part in PARTS.values() for subject in part.subjects().values() for flag in flags_of(subject)]
    assert all(flag.help for flag in flags)
    assert len({flag.name for flag in flags}) == len(flags)


def controllers(data: Path, *flags: str) -> ControllerFlags:
    save(Config(data=str(data)))
    told = parse(["controller-manager", "--data-dir", str(data), *flags])
    return configured(told, [CONTROLLER_FLAGS]).controllers


@pytest.mark.parametrize(("value", "meant"), [("", True), ("=true", True), ("=false", False)])
def test_the_controllers_are_told_whom_to_act_as(tmp_path: Path, value: str, meant: bool) -> None:
    told = controllers(tmp_path, f"--use-service-account-credentials{value}")
    assert told.identities.use_service_account_credentials is meant


def signing(data: Path, *flags: str) -> Signing:
    return controllers(data, *flags).signing


def test_the_controllers_are_told_as_the_api_server_is(tmp_path: Path) -> None:
    assert signing(tmp_path, "--cluster-signing-duration", "1h").cluster_signing_duration == 3600
    pair = ("--cluster-signing-cert-file", "/a", "--cluster-signing-key-file", "/b")
    assert list(signing(tmp_path, *pair).pairs()) == [("cluster_signing", "/a", "/b")]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(("--cluster-signing-key-file=/b",), "-cert-file and --.*-key-file must be specified", id="half"),
        pytest.param(
            [
                f"--cluster-signing-{name}-file=/a"
                for name in ("cert", "key", "kubelet-serving-cert", "kubelet-serving-key")
            ],
            "cannot specify default and per controller certs at the same time",
            id="two for one",
        ),
        pytest.param(("--cluster-signing-duration=0",), "must be more than nothing", id="no time"),
    ],
)
def test_what_the_controllers_cannot_be_told(tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        signing(tmp_path, *flags)
