"""Certificates: who they name, where they hold, who may read them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from knarr.cluster import certificates
from knarr.cluster.config import Config
from knarr.cluster.leaves import leaves


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
        ("apiserver-kubelet-client", "system:apiserver", []),
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


def test_nothing_is_readable_by_others_and_nothing_is_made_twice(config: Config) -> None:
    certificates.ensure(config)
    before = {path: path.read_bytes() for path in config.pki.iterdir()}
    assert {path.stat().st_mode & 0o777 for path in before} == {0o600}
    certificates.ensure(config)
    assert {path: path.read_bytes() for path in config.pki.iterdir()} == before


def test_a_machine_that_moves_gets_serving_certificates_for_its_new_address(config: Config) -> None:
    certificates.ensure(config)
    admin = (config.pki / "admin.crt").read_bytes()
    certificates.ensure(msgspec.structs.replace(config, node_ip="192.0.2.99"))
    names = read(config, "kubelet-server").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.99" in {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}
    assert (config.pki / "admin.crt").read_bytes() == admin


def test_certificates_are_renewed_before_they_end(config: Config) -> None:
    certificates.ensure(config)
    before = read(config, "admin")
    old = (config.pki / "admin.crt").stat().st_mtime - certificates.RENEWED_AFTER - 1
    os.utime(config.pki / "admin.crt", (old, old))
    certificates.ensure(config)
    assert read(config, "admin").serial_number != before.serial_number
    assert read(config, "admin").public_key() == before.public_key()
