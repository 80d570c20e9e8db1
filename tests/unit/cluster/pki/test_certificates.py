"""Certificates: who they name, where they hold, who may read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from knarr.client.kubeconfig import load
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.pki import certificates
from knarr.cluster.pki.leaves import leaves
from knarr.cluster.pki.renewing import keep
from knarr.cluster.pki.rotated import LEAVES
from knarr.machinery.clock import VirtualClock


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data=str(tmp_path / "data"), node_name="n1", node_ip="192.0.2.7")


def read(config: Config, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((config.pki / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    ("file", "user", "groups"),
    [
        ("admin", "kubernetes-admin", ["system:masters"]),
        ("kubelet", "system:node:n1", ["system:nodes"]),
        ("scheduler", "system:kube-scheduler", []),
        ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", []),
    ],
)
def test_subjects(config: Config, file: str, user: str, groups: list[str]) -> None:
    certificates.ensure(config)
    subject = read(config, file).subject
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == groups


def test_the_api_server_answers_to_every_name_that_clients_use(config: Config) -> None:
    certificates.ensure(config)
    names = read(config, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"kubernetes.default.svc", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "192.0.2.7", "10.96.0.1"} == {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}


def test_all_come_from_their_authority(config: Config) -> None:
    certificates.ensure(config)
    for leaf in leaves(config):
        read(config, leaf.file).verify_directly_issued_by(read(config, leaf.authority))


def test_who_may_speak_for_users_is_vouched_for_by_an_authority_of_its_own(config: Config) -> None:
    certificates.ensure(config)
    assert [leaf.file for leaf in leaves(config) if leaf.authority != "ca"] == ["front-proxy-client"]
    with pytest.raises(ValueError, match="Issuer"):
        read(config, "front-proxy-client").verify_directly_issued_by(read(config, "ca"))


def contents(config: Config) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in config.pki.rglob("*") if path.is_file()}


def test_nothing_is_readable_by_others_and_nothing_is_made_twice(config: Config) -> None:
    certificates.ensure(config)
    before = contents(config)
    assert {path.stat().st_mode & 0o777 for path in before} == {0o600}
    certificates.ensure(config)
    assert contents(config) == before


def test_a_machine_that_moves_gets_serving_certificates_for_its_new_address(config: Config) -> None:
    certificates.ensure(config)
    admin = (config.pki / "admin.crt").read_bytes()
    certificates.ensure(msgspec.structs.replace(config, node_ip="192.0.2.99"))
    names = read(config, "kubelet-server").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.99" in {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}
    assert (config.pki / "admin.crt").read_bytes() == admin


@pytest.fixture
def aged(config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], datetime]:
    """Certificates that were made so many days ago; returns when."""

    def make(days: float) -> datetime:
        then = datetime.now(UTC) - timedelta(days=days)
        certificates._issue(config, leaves(config), then)
        certificates.write_admin(config)
        return then

    return make


def test_certificates_are_renewed_before_they_end(config: Config, aged: Callable[[float], datetime]) -> None:
    aged(299)
    before = {leaf.file: read(config, leaf.file) for leaf in leaves(config)}
    certificates.ensure(config)
    assert {leaf.file: read(config, leaf.file) for leaf in leaves(config)} == before
    aged(301)
    certificates.ensure(config)
    for name, certificate in before.items():
        if name in LEAVES:  # the kubelet sees to those
            continue
        assert read(config, name).not_valid_after_utc > certificate.not_valid_after_utc
        assert read(config, name).public_key() == certificate.public_key()


def test_none_outlives_its_authority_or_is_made_again_for_that(
    config: Config, aged: Callable[[float], datetime]
) -> None:
    aged(3650 - 100)
    end = read(config, "ca").not_valid_after_utc
    certificates.ensure(config)
    assert read(config, "admin").not_valid_after_utc == end
    near = end - timedelta(days=10)
    certificates._issue(config, leaves(config), near)
    assert [*certificates.due_leaves(config, near)] == []


def test_an_authority_that_has_ended_is_told_of(config: Config, aged: Callable[[float], datetime]) -> None:
    aged(3651)
    with pytest.raises(UserError, match=r"ca\.crt has ended"):
        certificates.ensure(config)


def test_without_the_authoritys_key_nothing_is_renewed_and_no_other_authority_made(config: Config) -> None:
    certificates.ensure(config)
    (config.pki / "ca.key").unlink()
    with pytest.raises(UserError, match="without its key"):
        certificates.renew(config, leaves(config), datetime.now(UTC))
    assert not (config.pki / "ca.key").exists()


def test_a_key_that_is_gone_is_made_anew_with_its_certificate(config: Config) -> None:
    certificates.ensure(config)
    before = read(config, "scheduler").public_key()
    (config.pki / "scheduler.key").unlink()
    certificates.ensure(config)
    assert read(config, "scheduler").public_key() != before


async def test_a_server_renews_in_time(config: Config, aged: Callable[[float], datetime]) -> None:
    clock = VirtualClock(aged(0) + timedelta(days=295))
    keeper = asyncio.create_task(keep(config, clock))
    fresh, kubeconfig = read(config, "admin"), config.admin_kubeconfig.read_bytes()
    await clock.advance(4 * 86400)
    assert (read(config, "admin"), config.admin_kubeconfig.read_bytes()) == (fresh, kubeconfig)
    await clock.advance(2 * 86400)
    async with asyncio.timeout(10):
        while config.admin_kubeconfig.read_bytes() == kubeconfig:  # it is made in a thread
            await asyncio.sleep(0.01)
    assert read(config, "admin").not_valid_after_utc > clock.now() + timedelta(days=360)
    assert load(config.admin_kubeconfig).certificate == (config.pki / "admin.crt").read_bytes()
    keeper.cancel()


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["ca"], "ca is an authority: what it has vouched for would end with it, so it stays"),
        (["all", "none"], "there is no certificate none; choose from: admin, apiserver, "),
    ],
)
def test_what_cannot_be_renewed(config: Config, names: list[str], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        certificates.chosen_leaves(config, names)
