"""Where certificates are kept: names, modes, and the switch from one to the next."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knarr.kubelet.certificates.store import Store
from tests.unit.kubelet.certificates.issuer import pair

NOW = datetime(2026, 11, 21, 8, 58, 39, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "pki", "kubelet-client")


def keep(store: Store, now: datetime = NOW) -> None:
    made = pair(now, YEAR)
    store.keep(made.certificate, made.key, now)


def test_a_pair_is_one_dated_file_and_the_current_one_a_link_to_it(store: Store, tmp_path: Path) -> None:
    keep(store)
    assert store.current.readlink() == Path("kubelet-client-2026-11-21-08-58-39.pem")
    assert store.current == tmp_path / "pki" / "kubelet-client-current.pem"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(store.current)
    found = store.read()
    assert found
    assert (found.begins, found.ends) == (NOW, NOW + YEAR)


def test_nobody_else_may_read_them(store: Store, tmp_path: Path) -> None:
    keep(store)
    assert (tmp_path / "pki").stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "pki").iterdir()] == [0o600, 0o600]


def test_the_one_before_stays_and_older_ones_go(store: Store, tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "kubelet-server-2026-01-01-00-00-00.pem").touch()
    for day in range(4):
        keep(store, NOW + timedelta(days=day))
    assert sorted(file.name for file in (tmp_path / "pki").iterdir()) == [
        "kubelet-client-2026-11-23-08-58-39.pem",
        "kubelet-client-2026-11-24-08-58-39.pem",
        "kubelet-client-current.pem",
        "kubelet-server-2026-01-01-00-00-00.pem",
    ]
    assert store.current.readlink() == Path("kubelet-client-2026-11-24-08-58-39.pem")


def test_two_within_a_second_are_the_second(store: Store) -> None:
    keep(store)
    second = pair(NOW, YEAR)
    store.keep(second.certificate, second.key, NOW)
    assert store.current.read_bytes() == second.certificate.rstrip() + b"\n" + second.key


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_nothing_that_can_be_read_is_none(store: Store, tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "pki").mkdir()
    if content is not None:
        store.current.write_bytes(content)
    assert store.read() is None


def test_what_a_crash_has_left_is_no_hindrance(store: Store, tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "kubelet-client-updated.pem").symlink_to("nowhere")
    (tmp_path / "pki" / "kubelet-client-2026-11-21-08-58-39.new").write_bytes(b"half")
    keep(store)
    assert store.read()
