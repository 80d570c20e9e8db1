"""Loading contexts, and merging ours into a file that belongs to somebody."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from knarr.client.kubeconfig import Credentials, KubeconfigError, compose, load, merge, remove

OURS = Credentials("https://127.0.0.1:6443", ca=b"CA", certificate=b"CERT", key=b"KEY")
USERS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "extensions": [{"name": "mine", "extension": {"when": "2024-01-01"}}],
    "current-context": "work",
    "clusters": [{"name": "work", "cluster": {"server": "https://work", "proxy-url": "http://proxy"}}],
    "users": [{"name": "me", "user": {"exec": {"command": "login", "args": ["--now"]}}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me", "namespace": "team"}}],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kube" / "config"


def written(path: Path, tree: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
    return path


def test_a_composed_context_loads_as_it_was(path: Path) -> None:
    merge(path, compose("knarr", OURS))
    assert load(path) == OURS


def test_merging_loses_nothing(path: Path) -> None:
    ours = compose("knarr", OURS)
    merge(written(path, USERS), ours)
    assert yaml.safe_load(path.read_text()) == {
        **USERS,
        "current-context": "knarr",
        **{section: USERS[section] + ours[section] for section in ("clusters", "users", "contexts")},
    }


def test_merging_twice_is_merging_once(path: Path) -> None:
    merge(written(path, USERS), compose("knarr", Credentials("https://old")))
    merge(path, compose("knarr", OURS))
    names = [entry["name"] for entry in yaml.safe_load(path.read_text())["clusters"]]
    assert (names, load(path, "knarr")) == (["work", "knarr"], OURS)


def test_the_current_context_stays_when_asked(path: Path) -> None:
    merge(written(path, USERS), compose("knarr", OURS), make_current=False)
    assert yaml.safe_load(path.read_text())["current-context"] == "work"


def test_removing_leaves_the_users_own(path: Path) -> None:
    merge(written(path, USERS), compose("knarr", OURS))
    remove(path, "knarr")
    assert yaml.safe_load(path.read_text()) == {**USERS, "current-context": ""}


def test_the_file_is_private_and_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    target = written(tmp_path / "dotfiles-config", USERS)
    path.parent.mkdir()
    path.symlink_to(target)
    merge(path, compose("knarr", OURS))
    assert (path.is_symlink(), target.stat().st_mode & 0o777) == (True, 0o600)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_files_are_found_beside_the_kubeconfig(path: Path) -> None:
    tree = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": "https://s", "certificate-authority": "ca.pem", "tls-server-name": "x"}}
        ],
        "users": [
            {
                "name": "u",
                "user": {"tokenFile": "token", "token": "old", "client-key-data": base64.b64encode(b"K").decode()},
            }
        ],
    }
    written(path, tree)
    (path.parent / "ca.pem").write_bytes(b"CA")
    (path.parent / "token").write_text("fresh\n")
    assert load(path) == Credentials("https://s", ca=b"CA", key=b"K", token="fresh", namespace="team", server_name="x")


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        pytest.param({}, "names no current-context", id="nothing chosen"),
        pytest.param({"current-context": "x"}, 'no entry "x" among its contexts', id="context missing"),
        pytest.param({**USERS, "clusters": []}, 'no entry "work" among its clusters', id="cluster missing"),
        pytest.param("[]", "is not a kubeconfig", id="a list"),
        pytest.param("a: b: c", "is not YAML", id="not YAML"),
    ],
)
def test_what_cannot_be_used_is_named(path: Path, tree: Any, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        load(written(path, tree))


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(KubeconfigError, match="there is no kubeconfig at"):
        load(path)


def test_a_file_that_is_not_ours_to_understand_is_left_alone(path: Path) -> None:
    written(path, "a: b: c")
    with pytest.raises(KubeconfigError):
        merge(path, compose("knarr", OURS))
    assert path.read_text() == "a: b: c"


def test_credentials_do_not_show_their_secrets() -> None:
    assert "KEY" not in repr(OURS)
