from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.parsing import parse
from knarr.cli.parts import configured
from knarr.cli.storing import STORING
from knarr.cli.up import chosen
from knarr.cluster.config import Config, save
from knarr.cluster.datastore import Datastore, of_servers, read
from knarr.cluster.errors import UserError
from knarr.cluster.stores import compaction_interval, datastore_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("memory:", Datastore("memory")),
        ("sqlite:///var/x.db", Datastore("sqlite", Path("/var/x.db"))),
        ("etcd://a:1,b,[::1]:3", Datastore("etcd", endpoints=("a:1", "b:2379", "[::1]:3"))),
        ("etcd://me@[::1]", Datastore("etcd", endpoints=("[::1]:2379",), user="me")),
        ("etcd+http://localhost", Datastore("etcd", endpoints=("localhost:2379",), secure=False)),
        ("etcd+http://127.0.0.1/", Datastore("etcd", endpoints=("127.0.0.1:2379",), secure=False)),
    ],
)
def test_forms(text: str, found: Datastore) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no datastore"),
        ("state.db", "is no datastore"),
        ("sqlite://state.db", "is no datastore"),
        ("memory://x", "is no datastore"),
        ("etcd:a:1", "is no datastore"),
        ("etcd://", "nothing is no address"),
        ("etcd://a:1,,b:1", "nothing is no address"),
        ("etcd://a:99999", "a:99999 is no address"),
        ("etcd://:2379", ":2379 is no address"),
        ("etcd+http://127.0.0.1:1,192.0.2.1:1", "in the clear"),
        ("etcd+http://etcd.example", "in the clear"),
        ("etcd://me:secret@a", "--etcd-password-file"),
    ],
)
def test_what_names_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as refusal:
        read(text)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("servers", "text"),
    [
        ("https://a:1", "etcd://a:1"),
        ("https://a:1, https://b/", "etcd://a:1,b"),
        ("http://a", "etcd+http://a"),
        ("https://a,http://b", None),
        ("a:1", None),
        ("https://", None),
    ],
)
def test_servers_as_upstream_writes_them(servers: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(UserError, match="no etcd servers"):
            of_servers(servers)
    else:
        assert of_servers(servers) == text


def test_the_default_is_a_file_of_the_cluster() -> None:
    assert datastore_of(Config(data="/d")) == Datastore("sqlite", Path("/d/state.db"))


def up(data: Path, *flags: str) -> Config:
    return chosen(parse(["up", "--data-dir", str(data), "--node-name", "n", "--node-ip", "192.0.2.7", *flags]))


def test_a_cluster_keeps_its_datastore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = ("--etcd-cafile", "ca.crt", "--etcd-certfile", "/c.crt", "--etcd-keyfile", "/c.key")
    config = up(tmp_path, "--datastore", "etcd://a:1", *files)
    assert (config.datastore, config.etcd_cafile) == ("etcd://a:1", str(tmp_path / "ca.crt"))
    assert (config.etcd_certfile, config.etcd_keyfile) == ("/c.crt", "/c.key")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--datastore", "x"), "--datastore cannot be so: x is no datastore"),
        (("--etcd-cafile", "/x"), "are for etcd"),
        (("--datastore", "etcd://a", "--etcd-certfile", "/x"), "go together"),
        (("--etcd-prefix", "/x"), "is for etcd"),
        (("--datastore", "etcd://a", "--etcd-prefix", "x"), "must begin with a slash"),
        (("--datastore", "etcd://a", "--etcd-compaction-interval", "x"), 'invalid duration "x"'),
        (("--datastore", "etcd://me@a"), "--etcd-password-file go together"),
        (("--datastore", "etcd://a", "--etcd-password-file", "/x"), "--etcd-password-file go together"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path: Path, flags: tuple[str, ...], why: str) -> None:
    with pytest.raises(UserError, match=why):
        up(tmp_path, *flags)


def run_with(words: list[str]) -> Config:
    return configured(parse(words), [STORING])


@pytest.mark.parametrize("command", ["server", "apiserver"])
def test_a_server_may_run_on_another_datastore(tmp_path: Path, command: str) -> None:
    save(up(tmp_path))
    base = [command, "--data-dir", str(tmp_path)]
    assert datastore_of(run_with(base)) == Datastore("sqlite", tmp_path / "state.db")
    assert datastore_of(run_with([*base, "--datastore", "memory:"])) == Datastore("memory")
    ways = run_with([*base, "--datastore", "etcd://a", "--etcd-prefix", "/k", "--etcd-compaction-interval", "90s"])
    assert (ways.etcd_prefix, compaction_interval(ways)) == ("/k", 90)
    on_etcd = run_with([*base, "--etcd-servers", "https://a:1,https://b:1", "--etcd-cafile", "/ca"])
    assert datastore_of(on_etcd) == Datastore("etcd", endpoints=("a:1", "b:1"))
    assert (on_etcd.etcd_cafile, on_etcd.node_ip) == ("/ca", "192.0.2.7")
    with pytest.raises(UserError, match="go together"):
        run_with([*base, "--etcd-servers", "https://a:1", "--etcd-keyfile", "/k"])
